"""What the ledger is asked: months, ids, and where in time a client's tokens are. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from shared.domain.ids import uuid7_milliseconds
from shared.domain.refused import Refused

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

TOKEN_ENDPOINT = "oauth/token"
FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=(1 << 128) - 1)


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
    client_id: str  # of a refusal: '' where none of the tenant's was named
    lifetime: int | None = None  # seconds
    endpoint: str | None = None
    error: str | None = None
    reason: str | None = None
    address: str | None = None
    request_id: str | None = None


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries of the log are asked for; what is empty is not asked about.

    Of a token the log has the client, the id and the time: who asks about more asks for refusals.
    """

    client_id: str = ""
    event: str = ""  # issued | refused
    endpoint: str = ""
    error: str = ""  # the wire code
    address: str = ""
    request_id: str = ""

    @property
    def wants_issued(self) -> bool:
        of_tokens = self.endpoint in {"", TOKEN_ENDPOINT}
        of_refusals = self.error or self.address or self.request_id
        return self.event != "refused" and of_tokens and not of_refusals

    @property
    def wants_refused(self) -> bool:
        return self.event != "issued"


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, the newest first."""

    entries: list[LogEntry]
    older: UUID | None  # before which to look for more; None where there is none
    looked_since: datetime | None  # where so much was looked through that it ended early


class ActiveHour(msgspec.Struct, frozen=True):
    """An hour in which tokens were issued; bit n of `minutes`: in its nth minute."""

    hour: datetime
    minutes: int


class Window(msgspec.Struct, frozen=True):
    """The ids from `low` to before `high`."""

    low: UUID
    high: UUID


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


def hour_of(token_id: UUID) -> datetime:
    """Give the hour in which such an id was made."""
    return time_of(token_id).replace(minute=0, second=0, microsecond=0)


def entry_of(token: IssuedToken) -> LogEntry:
    return LogEntry(
        id=token.jti,
        at=token.issued_at,
        event="issued",
        client_id=token.client_id,
        lifetime=token.lifetime,
    )


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


def windows(hours: Iterable[ActiveHour], within: Window) -> Iterator[Window]:
    """Give the minutes of the window in which something was issued, the latest first."""
    for each in hours:
        for minute in reversed(range(60)):
            begins = each.hour + minute * _MINUTE
            low, high = first_id(begins), first_id(begins + _MINUTE)
            if each.minutes >> minute & 1 and low < within.high and high > within.low:
                yield Window(max(low, within.low), min(high, within.high))


def page_of(found: list[LogEntry], limit: int, reached: UUID | None) -> LogPage:
    """Make a page of what was found; `reached`: where looking through the refusals ended early."""
    entries = newest(found, limit)
    if len(found) > limit:
        return LogPage(entries=entries, older=entries[-1].id, looked_since=None)
    since = None if reached is None else time_of(reached)
    return LogPage(entries=entries, older=reached, looked_since=since)


def newest(entries: Iterable[LogEntry], limit: int) -> list[LogEntry]:
    return sorted(entries, key=lambda each: each.id, reverse=True)[:limit]
