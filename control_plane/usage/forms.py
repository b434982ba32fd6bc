"""What the pages of logs and usage are asked, as their addresses say it. Pure.

What cannot be read is not asked about, so that an address always shows something.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

import msgspec

from control_plane.usage.fixes import FIXES
from control_plane.usage.months import InvalidMonth, read_month
from control_plane.usage.rules import LAST_ID, TOKEN_ENDPOINT, Sought, Window, first_id

FIELDS = ("client", "event", "result", "q", "since", "until")
EVENTS: Mapping[str, str] = {
    TOKEN_ENDPOINT: "Token request",
    "oauth/introspect": "Introspection",
    "oauth/revoke": "Revocation",
    "admin/revoke": "Revocation by management",
}
_EARLIEST, _LATEST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1971, 9000))
_RESULTS = {"issued", "refused"}  # or the wire code of an error
_FIRST_MONTH = "2000-01"
_LONGEST = 100  # characters of a field


class AskedLog(msgspec.Struct, frozen=True, kw_only=True):
    typed: dict[str, str]
    sought: Sought
    window: Window
    entry: UUID | None  # this one alone

    @property
    def given(self) -> dict[str, str]:
        """The fields that say something."""
        return {name: text for name, text in self.typed.items() if text}


def read_log(given: Mapping[str, str], since: datetime) -> AskedLog:
    """Read which entries are asked for, of those since the time given."""
    typed = {name: given.get(name, "").strip()[:_LONGEST] for name in FIELDS}
    entry, address, request_id = _read_search(typed["q"])
    result = typed["result"]
    error = result if result in FIXES else ""
    sought = Sought(
        client_id=typed["client"],
        event="refused" if error else result if result in _RESULTS else "",
        endpoint=typed["event"] if typed["event"] in EVENTS else "",
        error=error,
        address=address,
        request_id=request_id,
    )
    low = max(since, _moment(typed["since"]) or since)
    until = _moment(typed["until"])
    high = min(
        LAST_ID if until is None else first_id(until + timedelta(minutes=1)),
        read_id(given.get("before", "")) or LAST_ID,
    )
    return AskedLog(typed=typed, sought=sought, window=Window(first_id(low), high), entry=entry)


def month_of(text: str, now: datetime) -> str:
    """Give the month asked for, such as 2026-11, if it is one that has begun; else this one."""
    this = f"{now:%Y-%m}"
    if _FIRST_MONTH <= text <= this:
        with suppress(InvalidMonth):
            read_month(text)
            return text
    return this


def _read_search(text: str) -> tuple[UUID | None, str, str]:
    """Tell an entry's id, an address and a request id apart."""
    entry = read_id(text)
    if entry is not None:
        return entry, "", ""
    with suppress(ValueError):
        return None, str(ip_address(text)), ""
    return None, "", text


def read_id(text: str) -> UUID | None:
    """Read an entry's id; None where it is none."""
    with suppress(ValueError):
        return UUID(text)
    return None


def _moment(text: str) -> datetime | None:
    """Read a time in UTC, as a browser's field gives it, such as 2026-11-27T20:36."""
    with suppress(ValueError):
        read = datetime.fromisoformat(text)
        at = read if read.tzinfo else read.replace(tzinfo=UTC)
        return at if _EARLIEST < at < _LATEST else None
    return None
