"""The plans side by side, what differs between two of them, and what can be chosen. Pure."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from control_plane.billing.rules import Subscription, is_upgrade
from control_plane.billing.seen import Status
from control_plane.http.meter import level_of
from control_plane.http.money import dollars
from shared.domain.plan import PLANS, SOLD, Counts, Interval, Plan, PlanName

_THOUSAND = 1_000  # tokens, which an overage is priced by
_RUNS = {Status.TRIALING, Status.ACTIVE, Status.PAST_DUE}

OFFERED = tuple(PLANS[name] for name in SOLD)
EACH_OF: Mapping[Interval, str] = MappingProxyType(
    {Interval.MONTHLY: "a month", Interval.YEARLY: "a year"}
)


class Choice(StrEnum):
    """What comes of choosing a plan."""

    HELD = "held"  # nothing: the account has it
    BUY = "buy"  # at Stripe's Checkout
    UPGRADE = "upgrade"  # at once
    DOWNGRADE = "downgrade"  # at the period's end
    CANCEL = "cancel"  # at the period's end


class Line(msgspec.Struct, frozen=True):
    """A line of the table: what it is about, and how each plan has it."""

    words: str
    of_plans: tuple[str, ...]  # in the order of OFFERED


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many of something the account has."""

    words: str
    has: int
    most: int | None  # that it may add to; None: no limit

    @property
    def level(self) -> str:
        return level_of(self.has, self.most or 0)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What of a limit is another after a change of plan."""

    words: str
    now: str
    then: str
    too_many: int = 0  # of what the account has: they go on working, and none can be added


def runs(held: Subscription | None) -> bool:
    return held is not None and held.plan is not None and held.status in _RUNS


def choice(held: Subscription | None, to: PlanName, interval: Interval) -> Choice:
    """Say what comes of choosing a plan that is sold, to be paid so."""
    if held is None or held.plan is None or held.interval is None or not runs(held):
        return Choice.HELD if to is PlanName.SANDBOX else Choice.BUY
    if to is PlanName.SANDBOX:
        return Choice.HELD if held.cancel_at_period_end else Choice.CANCEL
    if held.status is Status.TRIALING:
        return Choice.BUY
    if (held.plan, held.interval) == (to, interval):
        return Choice.HELD
    more = is_upgrade((held.plan, held.interval), (to, interval))
    return Choice.UPGRADE if more else Choice.DOWNGRADE


def table() -> list[Line]:
    return [Line(words, tuple(told(plan) for plan in OFFERED)) for words, told in _TOLD.items()]


def counted(plan: Plan, has: Counts) -> list[Counted]:
    return [
        Counted(words=words, has=count(has), most=count(plan.counts) if plan.counts else None)
        for words, count in _COUNTED.items()
    ]


def differences(held: Plan, to: Plan, has: Counts) -> list[Difference]:
    """Compare what the plans allow; `has` is what the account has of each thing."""
    over = {each.words: each.has - (each.most or 0) for each in counted(to, has)}
    return [
        Difference(
            words=words,
            now=told(held),
            then=told(to),
            too_many=max(0, over.get(words, 0)) if to.counts else 0,
        )
        for words, told in _TOLD.items()
        if told(held) != told(to)
    ]


def overage_cost(plan: Plan, tokens: int) -> int:
    """Give what the tokens that are over cost, in US cents; a part of 1,000 costs its part."""
    over = max(0, tokens - (plan.tokens or tokens))
    return -(-over * (plan.overage_price or 0) // _THOUSAND)


def _overage(plan: Plan) -> str:
    if plan.overage_price is None:
        return "none: stops at 110 %"
    return f"{dollars(plan.overage_price)} per 1,000"


def _rate(plan: Plan) -> str:
    return f"{plan.rate.per_second:,} / {plan.rate.burst:,}" if plan.rate else "no limit"


def _of(count: Callable[[Counts], int]) -> Callable[[Plan], str]:
    return lambda plan: f"{count(plan.counts):,}" if plan.counts else "no limit"


_COUNTED: Mapping[str, Callable[[Counts], int]] = {
    "Live tenants": lambda counts: counts.live_tenants,
    "Test tenants": lambda counts: counts.test_tenants,
    "Clients": lambda counts: counts.clients,
    "APIs": lambda counts: counts.apis,
    "Members": lambda counts: counts.members,
}

_TOLD: Mapping[str, Callable[[Plan], str]] = {
    "Tokens a month": lambda plan: f"{plan.tokens:,}" if plan.tokens else "no limit",
    "Tokens beyond them": _overage,
    **{words: _of(count) for words, count in _COUNTED.items()},
    "Token requests a second / at once": _rate,
    "Days of logs and audit": lambda plan: f"{plan.log_days}",
}
