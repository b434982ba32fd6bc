"""The log as a file: CSV for spreadsheets, JSON Lines for programs. Pure."""

from typing import Any

import msgspec

from control_plane.audit.rules import ActorKind, Event
from control_plane.http.spreadsheets import csv_line


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as programs read it."""

    seq: int
    at: str  # RFC 3339
    who: str
    actor_kind: ActorKind
    actor_id: str
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str
    request_id: str
    digest: str  # in hexadecimal


COLUMNS = Recorded.__struct_fields__


def csv_head() -> str:
    return csv_line(COLUMNS)


def csv_row(event: Event) -> str:
    return csv_line(_cells(event))


def json_line(event: Event) -> str:
    return msgspec.json.encode(recorded(event)).decode() + "\n"


def recorded(event: Event) -> Recorded:
    """Give the event as programs read it."""
    return Recorded(
        seq=event.seq,
        at=event.at.isoformat(),
        who=event.who,
        actor_kind=event.actor_kind,
        actor_id=event.actor_id,
        action=event.action,
        target=event.target,
        before=_facts(event.before),
        after=_facts(event.after),
        address=event.address,
        request_id=event.request_id,
        digest=event.digest.hex(),
    )


def _facts(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(msgspec.json.decode(text))


def _cells(event: Event) -> tuple[str, ...]:
    return (
        str(event.seq),
        event.at.isoformat(),
        event.who,
        event.actor_kind.value,
        event.actor_id,
        event.action,
        event.target,
        event.before or "",
        event.after or "",
        event.address,
        event.request_id,
        event.digest.hex(),
    )
