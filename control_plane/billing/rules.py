"""What a subscription at Stripe means for an account: its plan, and for how long. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from control_plane.billing.seen import (
    OVER,
    Price,
    Schedule,
    Seen,
    SeenInvoice,
    Status,
    at,
    maybe_at,
)
from shared.domain.plan import PAID, Interval, PlanName, read_price_key
from shared.domain.refused import Refused

GRACE = timedelta(days=14)  # that a plan goes on while a payment is due
TRIAL_PLAN, TRIAL_DAYS = PlanName.GROWTH, 14

METER = "tokens_over_plan"  # the name of its events at Stripe
ALERT = 0.5  # percent by which counts may differ before somebody is to look
PLAN, INTERVAL = "auth_service_plan", "auth_service_interval"  # metadata of our prices


class BillingRefused(Refused):
    """What was asked cannot be bought, changed or shown so; the message says why."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One as our books have it."""

    id: str
    account_id: str
    status: Status
    plan: PlanName | None  # None: of no price of ours
    interval: Interval | None
    created_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    scheduled_plan: PlanName | None = None  # from the period's end on
    scheduled_interval: Interval | None = None
    trial_end: datetime | None = None
    past_due_since: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def grace_until(self) -> datetime | None:
        return None if self.past_due_since is None else self.past_due_since + GRACE


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """One as our books have it. `total` and `amount_due` are in US cents."""

    id: str
    account_id: str
    number: str | None
    status: str
    currency: str
    total: int
    amount_due: int
    created_at: datetime
    period_start: datetime
    period_end: datetime
    hosted_url: str | None
    pdf_url: str | None
    attempts: int  # at taking the money
    next_attempt_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status == "open" and self.attempts > 0


def bought_by(price: Price) -> tuple[PlanName, Interval] | None:
    """Say what the price buys; None where it is none of ours.

    By its metadata: when a plan's amount changes, the name goes over to the new price, and those
    who pay the old one keep it.
    """
    plan, interval = price.metadata.get(PLAN), price.metadata.get(INTERVAL)
    if plan in PAID and interval in set(Interval):
        return PlanName(plan), Interval(interval)
    return read_price_key(price.lookup_key or "")


def booked(
    seen: Seen,
    account_id: str,
    held: Subscription | None,
    now: datetime,
    prices: Mapping[str, Price],
) -> Subscription:
    """Give it as the books are to have it; `held` is what they had, `prices` are ours by id."""
    item = seen.licensed
    bought = None if item is None else bought_by(item.price)
    following = _scheduled(seen, prices)
    since = None
    if seen.status is Status.PAST_DUE:
        since = held.past_due_since if held and held.past_due_since else now
    return Subscription(
        id=seen.id,
        account_id=account_id,
        status=seen.status,
        plan=bought[0] if bought else None,
        interval=bought[1] if bought else None,
        created_at=at(seen.created),
        period_start=None if item is None else at(item.current_period_start),
        period_end=None if item is None else at(item.current_period_end),
        cancel_at_period_end=seen.cancel_at_period_end,
        scheduled_plan=following[0] if following else None,
        scheduled_interval=following[1] if following else None,
        trial_end=maybe_at(seen.trial_end),
        past_due_since=since,
    )


def _scheduled(seen: Seen, prices: Mapping[str, Price]) -> tuple[PlanName, Interval] | None:
    """Say what the subscription will be at its period's end, where that is something else."""
    item, schedule = seen.licensed, seen.schedule
    if item is None or not isinstance(schedule, Schedule) or schedule.status != "active":
        return None
    later = [each for each in schedule.phases if each.start_date >= item.current_period_end]
    for phase in later[:1]:
        for each in phase.items:
            price = prices.get(each.price) if isinstance(each.price, str) else each.price
            bought = bought_by(price) if price and not price.is_metered else None
            if bought and bought != bought_by(item.price):
                return bought
    return None


def booked_invoice(seen: SeenInvoice, account_id: str) -> Invoice:
    return Invoice(
        id=seen.id,
        account_id=account_id,
        number=seen.number,
        status=seen.status,
        currency=seen.currency,
        total=seen.total,
        amount_due=seen.amount_due,
        created_at=at(seen.created),
        period_start=at(seen.period_start),
        period_end=at(seen.period_end),
        hosted_url=seen.hosted_invoice_url,
        pdf_url=seen.invoice_pdf,
        attempts=seen.attempt_count,
        next_attempt_at=maybe_at(seen.next_payment_attempt),
    )


def current(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """Choose the one that counts: what is paid before a trial, and what is over last."""
    return max(
        subscriptions,
        key=lambda each: (
            each.plan is not None,
            each.status is Status.ACTIVE,
            each.status is Status.TRIALING,
            each.status is Status.PAST_DUE,
            not each.is_over,
            each.created_at,
            each.id,
        ),
        default=None,
    )


def plan_of(subscription: Subscription | None, now: datetime) -> PlanName:
    """Say which plan's limits the account has. Sandbox issues too: nothing here ends that."""
    if subscription is None or subscription.plan is None:
        return PlanName.SANDBOX
    match subscription.status:
        case Status.TRIALING | Status.ACTIVE:
            return subscription.plan
        case Status.PAST_DUE:
            until = subscription.grace_until
            return subscription.plan if until is None or now < until else PlanName.SANDBOX
        case (
            Status.INCOMPLETE
            | Status.INCOMPLETE_EXPIRED
            | Status.UNPAID
            | Status.PAUSED
            | Status.CANCELED
        ):
            return PlanName.SANDBOX


def governs(held: PlanName, given: PlanName | None) -> bool:
    """Tell whether the account's plan is billing's to change: `given` is what it gave last.

    A plan that the operator has set, by contract, is left as it is.
    """
    return held == (given or PlanName.SANDBOX)


def is_upgrade(held: tuple[PlanName, Interval], asked: tuple[PlanName, Interval]) -> bool:
    """Tell what is had at once from what comes at the period's end: more is paid for it."""
    order: Sequence[PlanName] = PAID
    if held[0] is not asked[0]:
        return order.index(asked[0]) > order.index(held[0])
    return (held[1], asked[1]) == (Interval.MONTHLY, Interval.YEARLY)


def newly_over(issued: int, counted: int, included: int | None) -> int:
    """Count the tokens over the plan among those that were issued since the last count."""
    return 0 if included is None else max(0, issued - max(counted, included))


def drift_of(ours: int, metered: int, invoiced: int | None) -> float:
    """Say by how many percent of the greatest the counts differ."""
    counts = [ours, metered] if invoiced is None else [ours, metered, invoiced]
    greatest = max(counts)
    return 100 * (greatest - min(counts)) / greatest if greatest else 0.0


def forecast(issued: int, now: datetime) -> int:
    """Say how many tokens the UTC month will have at its end, if it goes on as it did so far."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whole = (first + timedelta(days=32)).replace(day=1) - first
    return round(issued * (whole / max(now - first, timedelta(hours=1))))


def superseded(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Name the trials that a purchase has taken the place of."""
    counts = current(subscriptions)
    if counts is None or counts.status is not Status.ACTIVE:
        return []
    return [each for each in subscriptions if each.status is Status.TRIALING]
