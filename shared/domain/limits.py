"""What a tenant and a client may ask for: the part of a plan that a snapshot carries. Pure."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from shared.domain.refused import Refused

MAXIMUM_RATE, MAXIMUM_BURST = 1_000_000, 10_000_000  # token requests, a second and at once
MAXIMUM_TOKENS = 10**15  # a month


class InvalidLimit(Refused):
    """There can be no such limit; the message says why."""


class Enforcement(StrEnum):
    """What becomes of a request that is over a limit."""

    ENFORCE = "enforce"  # it is refused
    OBSERVE = "observe"  # it is counted


class Rate(msgspec.Struct, frozen=True):
    """Token requests: so many a second in the long run, and so many at once after a rest."""

    per_second: int
    burst: int


class MonthlyQuota(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of an account in a calendar month (UTC)."""

    included: int  # in the plan's price
    bought: int = 0  # what the overage's cap pays for beside them
    allowed: int  # then no more are issued: the two, or what is included and a grace

    @property
    def announced(self) -> int:
        """What clients are told: the grace is for mistakes, and nobody should plan with it."""
        return self.included + self.bought


class TenantLimits(msgspec.Struct, frozen=True, kw_only=True):
    rate: Rate | None = None  # of the tenant; None: no limit
    month: MonthlyQuota | None = None  # of its account, all tenants together
    observed: bool = False  # what is over a limit is counted, and refused nothing


NO_LIMITS = TenantLimits()


class Month(msgspec.Struct, frozen=True):
    """A calendar month in UTC."""

    name: str  # such as 2026-11
    starts_at: int  # seconds since the epoch
    ends_at: int

    @property
    def seconds(self) -> int:
        return self.ends_at - self.starts_at


def month_of(now: int) -> Month:
    """Give the month that a time, in seconds since the epoch, is in."""
    first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0)
    next_year, next_month = divmod(first.year * 12 + first.month, 12)
    following = first.replace(year=next_year, month=next_month + 1)
    return Month(f"{first:%Y-%m}", int(first.timestamp()), int(following.timestamp()))


def check_rate(rate: Rate) -> None:
    """Raise InvalidLimit where it is no limit that can be kept to."""
    if not 1 <= rate.per_second <= MAXIMUM_RATE:
        raise InvalidLimit(f"the rate is from 1 to {MAXIMUM_RATE} token requests a second")
    if not 1 <= rate.burst <= MAXIMUM_BURST:
        raise InvalidLimit(f"the burst is from 1 to {MAXIMUM_BURST} token requests")
