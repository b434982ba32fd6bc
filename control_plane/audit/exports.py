"""The log as a file: CSV for spreadsheets, JSON Lines for programs. Pure."""

import msgspec

from control_plane.audit.rules import Event
from control_plane.http.spreadsheets import csv_line

COLUMNS = (
    "seq",
    "at",
    "who",
    "actor_kind",
    "actor_id",
    "action",
    "target",
    "before",
    "after",
    "address",
    "request_id",
    "digest",
)


def csv_head() -> str:
    return csv_line(COLUMNS)


def csv_row(event: Event) -> str:
    return csv_line(_cells(event))


def json_line(event: Event) -> str:
    values: dict[str, object] = dict(zip(COLUMNS, _cells(event), strict=True))
    values["seq"] = event.seq
    for name in ("before", "after"):
        text = getattr(event, name)
        values[name] = None if text is None else msgspec.Raw(text.encode())
    return msgspec.json.encode(values).decode() + "\n"


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
