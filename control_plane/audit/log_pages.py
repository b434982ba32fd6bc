"""A log as a page and as a file: filters, pages, export. Whose it is and who may, others know."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.response import Stream

from control_plane.audit.actions import LAST, all_events, list_events
from control_plane.audit.exports import csv_head, csv_row, json_line
from control_plane.audit.repository import Sought
from control_plane.audit.rules import Chain, Event
from control_plane.http.rendering import Pages
from shared.runtime.database import Database

_SIZE = 50  # events on a page
_FIELDS = ("who", "action", "target", "since", "until")

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Which log a page is of."""

    chain: Chain
    path: str
    title: str
    command: str  # that verifies it
    only_by: str = ""  # the id of whose events alone are shown


async def show_log(
    request: AnyRequest,
    pages: Pages,
    database: Database,
    log: Log,
    template: str = "audit/log.html",
    **values: Any,
) -> Response[str]:
    """Show a page of the events that the query asks for."""
    asked = filters_of(request)
    before = _number(request.query_params.get("before", ""))
    sought = _sought(asked, log)
    found = await list_events(database, log.chain, sought, before=before, limit=_SIZE + 1)
    shown = found[:_SIZE]
    given = {name: text for name, text in asked.items() if text}
    older = {**given, "before": str(shown[-1].seq)} if len(found) > _SIZE else None
    return pages.show(
        request,
        template,
        log=log,
        events=shown,
        form=asked,
        filtered=bool(given),
        newest=f"{log.path}?{urlencode(given)}" if before != LAST else "",
        older=f"{log.path}?{urlencode(older)}" if older else "",
        export=f"{log.path}/export?{urlencode(given)}",
        **values,
    )


def export_log(
    request: AnyRequest, pages: Pages, database: Database, log: Log, name: str
) -> Stream:
    """Give all events that the query asks for, as a file."""
    events = all_events(database, log.chain, _sought(filters_of(request), log))
    is_json = request.query_params.get("format") == "jsonl"
    file = f"{name}.{'jsonl' if is_json else 'csv'}"
    return Stream(
        _json_lines(events) if is_json else _csv_lines(events),
        media_type="application/jsonl" if is_json else "text/csv; charset=utf-8",
        headers=dict(pages.headers) | {"Content-Disposition": f'attachment; filename="{file}"'},
    )


def filters_of(request: AnyRequest) -> dict[str, str]:
    """Give the filters as they were typed."""
    given = request.query_params
    return {name: str(given.get(name, ""))[:200] for name in _FIELDS}


def _sought(asked: dict[str, str], log: Log) -> Sought:
    until = _day(asked["until"])
    return Sought(
        who=log.only_by or asked["who"].strip(),
        action=asked["action"].strip(),
        target=asked["target"].strip(),
        since=_day(asked["since"]),
        until=None if until is None else until + timedelta(days=1),
    )


def _day(text: str) -> datetime | None:
    """Read a day; what is none is not asked about."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day.year < date.max.year else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(LAST)) else LAST


async def _csv_lines(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    yield csv_head()
    async for event in events:
        yield csv_row(event)


async def _json_lines(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    async for event in events:
        yield json_line(event)
