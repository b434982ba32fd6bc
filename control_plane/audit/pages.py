"""The audit logs (A13), a tenant's and the account's: filters, pages, export, verifying."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.audit.actions import LAST, all_events, list_events, verify
from control_plane.audit.exports import csv_head, csv_row, json_line
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, TENANT, Chain, Event, Verification
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import account_of, signed_in_of
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.plan import PLANS, PlanName
from shared.runtime.database import Database

_SEES = {"permission": Permission.SEE_AUDIT}
_SIZE = 50  # events on a page
_FIELDS = ("who", "action", "target", "since", "until")

AnyRequest = Request[Any, Any, Any]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Which log a page is of."""

    chain: Chain
    path: str
    title: str
    command: str  # that verifies it
    tenant: OwnTenant | None  # None: it is the account's


@get("/tenants/{slug:str}/audit", opt=_SEES)
async def audit_page(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Response[str]:
    return await _show(request, pages, database, await _of_tenant(request, database, slug))


@post("/tenants/{slug:str}/audit/verify", opt=_SEES, status_code=200)
async def verify_chain(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    shown = await _of_tenant(request, database, slug)
    found = await verify(database, config.audit_keys, shown.chain)
    return await _show(request, pages, database, shown, found)


@get("/tenants/{slug:str}/audit/export", opt=_SEES)
async def export(
    request: AnyRequest,
    slug: FromPath[str],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
) -> Stream:
    shown = await _of_tenant(request, database, slug)
    return _export(request, pages, database, shown, f"audit-{slug}")


@get("/audit", opt=_SEES)
async def account_audit_page(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[str]:
    return await _show(request, pages, database, _of_account(request))


@post("/audit/verify", opt=_SEES, status_code=200)
async def verify_account_chain(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    shown = _of_account(request)
    found = await verify(database, config.audit_keys, shown.chain)
    return await _show(request, pages, database, shown, found)


@get("/audit/export", opt=_SEES)
async def export_of_account(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Stream:
    shown = _of_account(request)
    return _export(request, pages, database, shown, f"audit-{shown.chain.id}")


AUDIT_PAGES = [
    audit_page,
    verify_chain,
    export,
    account_audit_page,
    verify_account_chain,
    export_of_account,
]


async def _of_tenant(request: AnyRequest, database: Database, slug: str) -> Shown:
    tenant = await own_tenant(database, request, slug)
    return Shown(
        chain=Chain(TENANT, tenant.id),
        path=f"/tenants/{tenant.slug}/audit",
        title=f"Audit log of {tenant.slug}",
        command=f"auth-service audit verify --tenant {tenant.slug}",
        tenant=tenant,
    )


def _of_account(request: AnyRequest) -> Shown:
    account_id = account_of(request)
    return Shown(
        chain=Chain(ACCOUNT, account_id),
        path="/audit",
        title="Audit log of the account",
        command=f"auth-service audit verify --account {account_id}",
        tenant=None,
    )


def _export(
    request: AnyRequest, pages: Pages, database: Database, shown: Shown, name: str
) -> Stream:
    events = all_events(database, shown.chain, _sought(_asked(request)))
    is_json = request.query_params.get("format") == "jsonl"
    file = f"{name}.{'jsonl' if is_json else 'csv'}"
    return Stream(
        _json_lines(events) if is_json else _csv_lines(events),
        media_type="application/jsonl" if is_json else "text/csv; charset=utf-8",
        headers=dict(pages.headers) | {"Content-Disposition": f'attachment; filename="{file}"'},
    )


async def _show(
    request: AnyRequest,
    pages: Pages,
    database: Database,
    log: Shown,
    verified: Verification | None = None,
) -> Response[str]:
    asked = _asked(request)
    before = _number(request.query_params.get("before", ""))
    found = await list_events(database, log.chain, _sought(asked), before=before, limit=_SIZE + 1)
    shown = found[:_SIZE]
    given = {name: text for name, text in asked.items() if text}
    older = {**given, "before": str(shown[-1].seq)} if len(found) > _SIZE else None
    return pages.show(
        request,
        "audit/log.html",
        log=log,
        tenant=log.tenant,
        events=shown,
        form=asked,
        filtered=bool(given),
        verified=verified,
        days=PLANS[PlanName(signed_in_of(request).plan)].log_days,
        newest=f"{log.path}?{urlencode(given)}" if before != LAST else "",
        older=f"{log.path}?{urlencode(older)}" if older else "",
        export=f"{log.path}/export?{urlencode(given)}",
    )


def _asked(request: AnyRequest) -> dict[str, str]:
    """Give the filters as they were typed."""
    given = request.query_params
    return {name: str(given.get(name, ""))[:200] for name in _FIELDS}


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
