"""A tenant's log (A10): searched, live, and one entry with why it failed and what to do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.streams import Streams, Told, is_paused, watched_until
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from control_plane.usage import rules
from control_plane.usage.actions import client_names, find_entry, list_new, search_log
from control_plane.usage.fixes import FIXES, fix_of
from control_plane.usage.forms import EVENTS, AskedLog, read_id, read_log
from control_plane.usage.rules import LogEntry, LogPage
from shared.domain.ids import TenantId
from shared.domain.plan import PLANS, PlanName
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_LOGS}
_SIZE = 50  # entries on a page

AnyRequest = Request[Any, Any, Any]


class LogReader:
    """Finds the tenant that an address names, and which of its log is asked for."""

    def __init__(self, pages: Pages, database: Database, ledger_days: int, clock: Clock) -> None:
        self.pages = pages
        self.database = database
        self.now = clock
        self._ledger_days = ledger_days

    async def tenant(self, request: AnyRequest, slug: str) -> OwnTenant:
        """Another account's answers as one that is not there: 404."""
        return await own_tenant(self.database, request, slug)

    def asked(self, request: AnyRequest) -> AskedLog:
        return read_log(request.query_params, self.since(request))

    def days(self, request: AnyRequest) -> int:
        """Say how many days the account sees: its plan's, if they are kept so long."""
        plan = PLANS[PlanName(signed_in_of(request).plan)]
        return min(plan.log_days, self._ledger_days)

    def since(self, request: AnyRequest) -> datetime:
        return self.now() - timedelta(days=self.days(request))

    async def look_up(self, tenant: TenantId, asked: AskedLog) -> LogPage:
        if asked.entry is None:
            return await search_log(self.database, tenant, asked.sought, asked.window, _SIZE)
        found = await find_entry(self.database, tenant, asked.entry)
        entries = [found] if found and asked.window.low <= found.id < asked.window.high else []
        return LogPage(entries=entries, older=None, looked_since=None)

    async def names(self, tenant: TenantId, entries: Sequence[LogEntry]) -> dict[str, str]:
        """Name the clients of these entries by id; '' where one is deleted."""
        client_ids = {each.client_id for each in entries}
        return dict.fromkeys(client_ids, "") | await client_names(self.database, tenant, client_ids)


@get("/tenants/{slug:str}/logs", opt=_SEE)
async def logs_page(
    request: AnyRequest, logs: NamedDependency[LogReader], slug: FromPath[str]
) -> Response[str]:
    tenant, asked = await logs.tenant(request, slug), logs.asked(request)
    page = await logs.look_up(tenant.id, asked)
    base = f"/tenants/{tenant.slug}/logs"
    until = {"until": watched_until(logs.now())}
    return logs.pages.show(
        request,
        "usage/logs.html",
        tenant=tenant,
        base=base,
        form=asked.typed,
        days=logs.days(request),
        live=request.query_params.get("live") == "1",
        page=page,
        names=await logs.names(tenant.id, page.entries),
        events=EVENTS,
        errors=sorted(FIXES),
        address=lambda **more: f"{base}?{urlencode(asked.given | more)}",
        stream=f"{base}/events?{urlencode(asked.given | until)}",
    )


@get("/tenants/{slug:str}/logs/events", opt=_SEE)
async def log_events(
    request: AnyRequest,
    logs: NamedDependency[LogReader],
    streams: NamedDependency[Streams],
    slug: FromPath[str],
) -> Stream:
    """Give the newest entries, and again whenever there are newer ones, as server-sent events."""
    tenant, asked = await logs.tenant(request, slug), logs.asked(request)
    since, paused = logs.now(), is_paused(request, logs.now())
    entries = (await logs.look_up(tenant.id, asked)).entries
    names = await logs.names(tenant.id, entries)

    async def look() -> Told:
        nonlocal entries, since
        following = logs.now()
        new = await list_new(logs.database, tenant.id, asked.sought, since=since, limit=_SIZE)
        since, entries = following, rules.newest({*entries, *new}, _SIZE)
        if not names.keys() >= {each.client_id for each in new}:
            names.update(await logs.names(tenant.id, new))
        text = logs.pages.fragment(
            "usage/live.html",
            base=f"/tenants/{tenant.slug}/logs",
            tenant=tenant,
            entries=entries,
            names=names,
            events=EVENTS,
            paused=paused,
        )
        return Told(text, over=paused)

    return streams.answer(request, look)


@get("/tenants/{slug:str}/logs/{entry:str}", opt=_SEE)
async def log_entry_page(
    request: AnyRequest,
    logs: NamedDependency[LogReader],
    slug: FromPath[str],
    entry: FromPath[str],
) -> Response[str]:
    tenant, entry_id = await logs.tenant(request, slug), read_id(entry)
    found = None if entry_id is None else await find_entry(logs.database, tenant.id, entry_id)
    if found is None or found.at < logs.since(request):
        raise NotFoundException
    return logs.pages.show(
        request,
        "usage/log_entry.html",
        tenant=tenant,
        base=f"/tenants/{tenant.slug}/logs",
        entry=found,
        fix=fix_of(found.error),
        events=EVENTS,
        names=await logs.names(tenant.id, [found]),
        expires_at=found.at + timedelta(seconds=found.lifetime or 0),
        now=logs.now(),
    )


LOG_PAGES = [logs_page, log_events, log_entry_page]
