"""Who stands out among all tenants, how the service is, and how an account is throttled. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.limits import MAXIMUM_RATE, Rate
from shared.domain.refused import Refused

HOURS = (1, 6, 24, 72, 168)  # that a throttle may last
_LATE = timedelta(minutes=10)
_ROLLED_LATE = timedelta(hours=3)  # an hour is rolled up when it is over


class ThrottleRefused(Refused):
    """It cannot be throttled so; the message says why."""


class Over(StrEnum):
    """Over what time tenants are compared."""

    HOUR = "hour"  # this one and the last
    DAY = "day"  # this one and the last, in UTC

    def since(self, now: datetime) -> datetime:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self is Over.HOUR:
            return hour - timedelta(hours=1)
        return hour.replace(hour=0) - timedelta(days=1)


class Board(StrEnum):
    """By what: as ledger.busiest_tenants names it."""

    ISSUED = "issued"
    REFUSED = "refused"
    WRONG = "wrong"

    @property
    def heading(self) -> str:
        return {
            Board.ISSUED: "Most tokens issued",
            Board.REFUSED: "Most requests refused",
            Board.WRONG: "Most wrong secrets",
        }[self]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the jobs, and has waited too long."""

    accounts_due: int  # whose limits are to be published
    keys_due: int  # tenants whose keys are to be looked at
    deletions_due: int
    events_due: int  # of Stripe's
    unsent: int  # usage for Stripe
    rolled_until: datetime
    counted: datetime | None  # when the data plane last wrote down something; None: for a day


class Line(msgspec.Struct, frozen=True):
    name: str
    said: str
    is_bad: bool


def late_before(now: datetime) -> datetime:
    """Say since when what waits is late."""
    return now - _LATE


def lines_of(work: Work, now: datetime) -> list[Line]:
    rolled_late = work.rolled_until < now - _ROLLED_LATE
    counted = "nothing in a day" if work.counted is None else f"at {work.counted:%H:%M} UTC"
    return [
        Line("Last counted by the data plane", counted, work.counted is None),
        Line("Usage rolled up until", f"{work.rolled_until:%Y-%m-%d %H:%M} UTC", rolled_late),
        _waiting("Accounts whose limits are being published", work.accounts_due),
        _waiting("Tenants whose signing keys wait", work.keys_due),
        _waiting("Deletions that wait", work.deletions_due),
        _waiting("Stripe events that wait", work.events_due),
        _waiting("Usage that Stripe has not been told", work.unsent),
    ]


def _waiting(name: str, count: int) -> Line:
    return Line(name, f"{count:,}" if count else "none", count > 0)


def read_throttle(rate: str, hours: str, now: datetime) -> tuple[Rate, datetime]:
    """Read what was chosen: token requests a second, and until when. Raises ThrottleRefused."""
    if not (rate.isascii() and rate.isdigit() and 1 <= int(rate[:9]) <= MAXIMUM_RATE):
        raise ThrottleRefused(f"the rate is from 1 to {MAXIMUM_RATE:,} token requests a second")
    if hours not in map(str, HOURS):
        raise ThrottleRefused("choose how long it is to last")
    per_second = int(rate[:9])
    return Rate(per_second, 2 * per_second), now + timedelta(hours=int(hours))
