"""What has happened: usage, the log of tokens, and who changed what."""

from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import QueryParameter

from control_plane.audit.actions import LAST, list_events
from control_plane.audit.exports import Recorded, recorded
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, TENANT, Chain
from control_plane.management_api.given import (
    AnyRequest,
    Cursor,
    GivenTenant,
    GivenWork,
    Limit,
    Page,
    page_of,
)
from control_plane.management_api.holder import holder_of
from control_plane.management_api.problems import ApiRefusal, InsufficientScope
from control_plane.usage.actions import list_log, list_usage
from control_plane.usage.months import Counted
from control_plane.usage.rules import LAST_ID, LogEntry
from shared.runtime.database import Database

_USAGE, _AUDIT = {"scope": "read:usage"}, {"scope": "read:audit"}

Month: TypeAlias = Annotated[str, QueryParameter(description="Such as 2026-11, in UTC.")]
OfClient: TypeAlias = Annotated[str | None, QueryParameter(description="Only of this client.")]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    items: list[Counted]


@get("/tenants/{slug:str}/usage", opt=_USAGE, tags=["Usage and logs"])
async def show_usage(tenant: GivenTenant, work: GivenWork, month: Month) -> Usage:
    """Count what happened in a month, by client, API and event."""
    return Usage(month=month, items=await list_usage(work.database, tenant.id, month))


@get("/tenants/{slug:str}/logs", opt=_USAGE, tags=["Usage and logs"])
async def show_log(
    tenant: GivenTenant,
    work: GivenWork,
    client_id: OfClient = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[LogEntry]:
    """List the tokens that were issued and the requests that were refused, the newest first."""
    before = _entry(cursor)
    rows = await list_log(
        work.database, tenant.id, client_id=client_id, before=before, limit=limit + 1
    )
    return page_of(rows, limit, lambda row: row.id)


@get("/tenants/{slug:str}/audit", opt=_AUDIT, tags=["Audit"])
async def show_audit(
    tenant: GivenTenant, work: GivenWork, cursor: Cursor = "", limit: Limit = 50
) -> Page[Recorded]:
    """List every change of the tenant, the newest first."""
    return await _events(work.database, Chain(TENANT, tenant.id), cursor, limit)


@get("/audit", opt=_AUDIT, tags=["Audit"])
async def show_audit_of_account(
    request: AnyRequest, work: GivenWork, cursor: Cursor = "", limit: Limit = 50
) -> Page[Recorded]:
    """List every change of the account, its members and API keys, the newest first."""
    key = holder_of(request).key
    if key.tenants:
        raise InsufficientScope("read:audit for all tenants of the account")
    return await _events(work.database, Chain(ACCOUNT, key.account), cursor, limit)


RECORD_ROUTES = [show_usage, show_log, show_audit, show_audit_of_account]


async def _events(database: Database, chain: Chain, cursor: str, limit: int) -> Page[Recorded]:
    before = _seq(cursor)
    rows = await list_events(database, chain, Sought(), before=before, limit=limit + 1)
    page = page_of(rows, limit, lambda row: row.seq)
    return Page(items=[recorded(each) for each in page.items], next=page.next)


def _entry(cursor: str) -> UUID:
    try:
        return UUID(cursor) if cursor else LAST_ID
    except ValueError:
        raise ApiRefusal("this cursor is none of ours") from None


def _seq(cursor: str) -> int:
    if not cursor:
        return LAST
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) < LAST):
        raise ApiRefusal("this cursor is none of ours")
    return int(cursor)
