"""A tenant's audit log (A13): filters, a page at a time, export, and whether it is whole."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.audit.actions import LAST, all_events, list_events, verify
from control_plane.audit.exports import csv_head, csv_row, json_line
from control_plane.audit.repository import Sought
from control_plane.audit.rules import TENANT, Chain, Event, Verification
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.runtime.database import Database

_SEES = {"permission": Permission.SEE_AUDIT}
_SIZE = 50  # events on a page
_FIELDS = ("who", "action", "target", "since", "until")

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/audit", opt=_SEES)
async def audit_page(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    return await _show(request, pages, database, tenant, None)


@post("/tenants/{slug:str}/audit/verify", opt=_SEES, status_code=200)
async def verify_chain(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    found = await verify(database, config.audit_keys, Chain(TENANT, tenant.id))
    return await _show(request, pages, database, tenant, found)


@get("/tenants/{slug:str}/audit/export", opt=_SEES)
async def export(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Stream:
    tenant = await own_tenant(database, request, slug)
    events = all_events(database, Chain(TENANT, tenant.id), _sought(_asked(request)))
    is_json = request.query_params.get("format") == "jsonl"
    name = f"audit-{slug}.{'jsonl' if is_json else 'csv'}"
    return Stream(
        _json_lines(events) if is_json else _csv_lines(events),
        media_type="application/jsonl" if is_json else "text/csv; charset=utf-8",
        headers=dict(pages.headers) | {"Content-Disposition": f'attachment; filename="{name}"'},
    )


AUDIT_PAGES = [audit_page, verify_chain, export]


async def _show(
    request: AnyRequest,
    pages: Pages,
    database: Database,
    tenant: OwnTenant,
    verified: Verification | None,
) -> Response[str]:
    asked = _asked(request)
    before = _number(request.query_params.get("before", ""))
    found = await list_events(
        database, Chain(TENANT, tenant.id), _sought(asked), before=before, limit=_SIZE + 1
    )
    shown = found[:_SIZE]
    given = {name: text for name, text in asked.items() if text}
    base = f"/tenants/{tenant.slug}/audit"
    older = {**given, "before": str(shown[-1].seq)} if len(found) > _SIZE else None
    return pages.show(
        request,
        "audit/log.html",
        tenant=tenant,
        events=shown,
        form=asked,
        filtered=bool(given),
        verified=verified,
        newest=f"{base}?{urlencode(given)}" if before != LAST else "",
        older=f"{base}?{urlencode(older)}" if older else "",
        export=f"{base}/export?{urlencode(given)}",
    )


def _asked(request: AnyRequest) -> dict[str, str]:
    """Give the filters as they were typed."""
    given = request.query_params
    return {name: str(given.get(name, ""))[:200].replace("\0", "") for name in _FIELDS}


def _sought(asked: dict[str, str]) -> Sought:
    until = _day(asked["until"])
    return Sought(
        who=asked["who"].strip(),
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
