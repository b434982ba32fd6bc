"""Our count of tokens over the plan, beside Stripe's meter of them and the invoices for them.

Per period of the subscription's metered item: what is open, and what was invoiced lately. All three
should be the same; where they are not by more than half a percent, somebody is to look.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from control_plane.billing import comparisons, records, repository
from control_plane.billing.comparisons import Reconciliation
from control_plane.billing.rules import METER, drift_of
from control_plane.billing.seen import SeenInvoice, at
from control_plane.billing.stripe_gateway import StripeGateway
from shared.runtime.database import Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_SETTLED = timedelta(hours=1)  # Stripe sums up what it was sent some minutes later
_LOOKED_BACK = timedelta(days=70)  # two periods of a month
_FINAL = {"open", "paid", "uncollectible"}  # invoices that change no more


class Meter(msgspec.Struct, frozen=True):
    """What of Stripe's a comparison needs, the same for all accounts."""

    id: str
    prices: frozenset[str]  # of tokens over a plan


class _Period(msgspec.Struct, frozen=True, kw_only=True):
    starts_at: datetime
    ends_at: datetime
    invoiced: int | None = None  # None: there is no invoice yet


async def find_meter(stripe: StripeGateway) -> Meter | None:
    """Give it; None where nothing is metered. Raises as the gateway does."""
    meters = [each["id"] for each in await stripe.meters() if each["event_name"] == METER]
    prices = frozenset(each.id for each in await stripe.prices() if each.is_metered)
    return Meter(str(meters[0]), prices) if meters else None


async def compare(
    database: Database, stripe: StripeGateway, meter: Meter, account_id: str, now: datetime
) -> float:
    """Compare the account's periods and keep what was found; give the greatest drift, in percent.

    Raises as the gateway does.
    """
    async with database.control() as connection:
        customer = await repository.find_customer(connection, account_id)
        counts = await records.metered_since(connection, account_id, now - _LOOKED_BACK)
    if customer is None or not counts:
        return 0.0
    found = []
    for period in await _periods(stripe, meter, customer.customer_id, now):
        start, end = _minute(period.starts_at), _minute(min(period.ends_at, now - _SETTLED))
        if start >= end:
            continue
        metered = await stripe.metered(meter.id, customer.customer_id, start, end)
        async with database.control() as connection:
            ours = await comparisons.metered_between(connection, account_id, start, end)
            row = Reconciliation(
                account_id=account_id,
                starts_at=period.starts_at,
                ends_at=period.ends_at,
                ours=ours,
                metered=metered,
                invoiced=period.invoiced,
                drift=drift_of(ours, metered, period.invoiced),
                at=now,
            )
            await comparisons.set_reconciliation(connection, row)
        found.append(row)
    adrift = [each for each in found if each.is_adrift]
    for each in adrift:
        _log.warning("alert: a count is adrift", extra=fields(**msgspec.to_builtins(each)))
    return max((each.drift for each in found), default=0.0)


async def _periods(
    stripe: StripeGateway, meter: Meter, customer: str, now: datetime
) -> list[_Period]:
    items = [each.metered for each in await stripe.subscriptions_of(customer) if not each.is_over]
    running = [
        _Period(starts_at=at(each.current_period_start), ends_at=at(each.current_period_end))
        for each in items
        if each is not None
    ]
    invoiced = [
        period
        for each in await stripe.invoices_of(customer)
        if each.status in _FINAL and at(each.created) > now - _LOOKED_BACK
        for period in _invoiced(each, meter.prices)
    ]
    return [*running, *invoiced]


def _invoiced(invoice: SeenInvoice, prices: frozenset[str]) -> Iterator[_Period]:
    """Give the periods that the invoice has lines of tokens over the plan of."""
    lines = [each for each in invoice.lines.data if each.price in prices]
    for start, end in sorted({(each.period.start, each.period.end) for each in lines}):
        quantity = sum(each.quantity or 0 for each in lines if each.period.start == start)
        yield _Period(starts_at=at(start), ends_at=at(end), invoiced=quantity)


def _minute(moment: datetime) -> datetime:
    """Cut the seconds off: Stripe sums up whole minutes, and so do we."""
    return moment.replace(second=0, microsecond=0)
