"""What the ledger is asked: months, ids, and where in time a client's tokens are. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from shared.domain.ids import uuid7_milliseconds
from shared.domain.refused import Refused

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_KEPT_MONTHS = 25  # of usage: this month, and two years to compare it with

FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=(1 << 128) - 1)


class InvalidMonth(Refused):
    """It is no month."""


class InvalidTokenId(Refused):
    """It is no `jti`."""


class UnknownToken(Refused):
    """The ledger has no such token of this tenant."""


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    jti: UUID
    client_id: str
    issued_at: datetime
    lifetime: int  # seconds


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token that was issued, or a request that was refused."""

    id: UUID  # the jti, or the refusal's own: both begin with their time
    at: datetime
    event: str  # issued | refused
    client_id: str  # of a refusal: as presented
    lifetime: int | None = None  # seconds
    endpoint: str | None = None
    error: str | None = None
    reason: str | None = None
    address: str | None = None
    request_id: str | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How often something happened in a month."""

    client_id: str
    api: str
    event: str
    count: int


class ActiveHour(msgspec.Struct, frozen=True):
    """An hour in which tokens were issued; bit n of `minutes`: in its nth minute."""

    hour: datetime
    minutes: int


class Window(msgspec.Struct, frozen=True):
    """The ids from `low` to before `high`."""

    low: UUID
    high: UUID


def read_month(text: str) -> tuple[datetime, datetime]:
    """Give the beginning of the month, such as 2026-11, and of the next. Raises InvalidMonth."""
    found = _MONTH.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise InvalidMonth("a month is written like 2026-11")
    first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return first, (first + 32 * _DAY).replace(day=1)


def read_token_id(text: str) -> UUID:
    """Raises InvalidTokenId."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidTokenId("a jti is a UUID") from None


def time_of(token_id: UUID) -> datetime:
    """Give the time that a UUIDv7 begins with, or the last there is."""
    try:
        return datetime.fromtimestamp(uuid7_milliseconds(token_id) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def first_id(at: datetime) -> UUID:
    """Give the first id of this millisecond."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def spans_between(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give spans of hours from the end to the start, each longer than the one after it.

    A busy client's last page is in the first; a quiet one's few tokens are in a long one.
    """
    high = end.replace(minute=0, second=0, microsecond=0) + _HOUR
    length = 2 * _HOUR
    while high > start:
        low = max(high - length, start)
        yield low, high
        high, length = low, 24 * length


def windows(hours: Iterable[ActiveHour], before: UUID) -> Iterator[Window]:
    """Give the minutes in which something was issued before that id, the latest first."""
    for each in hours:
        for minute in reversed(range(60)):
            begins = each.hour + minute * _MINUTE
            low = first_id(begins)
            if each.minutes >> minute & 1 and low < before:
                yield Window(low, min(first_id(begins + _MINUTE), before))


def newest(entries: Iterable[LogEntry], limit: int) -> list[LogEntry]:
    return sorted(entries, key=lambda each: each.id, reverse=True)[:limit]


def oldest_day(today: datetime, days: int) -> datetime:
    """Give the first day that is kept."""
    return today - days * _DAY


def oldest_month(today: datetime, days: int) -> datetime:
    """Give the first month of usage that is kept: it is what finds a client's tokens, too."""
    months = today.year * 12 + today.month - 1 - _KEPT_MONTHS
    of_usage = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return min(of_usage, oldest_day(today, days).replace(day=1))
