"""Gathering what a diagnosis is made from, each from the feature that it belongs to."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.keys.repository import list_keys
from control_plane.limits.repository import tokens_used
from control_plane.support.diagnosis import repository
from control_plane.support.diagnosis.repository import SupportedTenant
from control_plane.support.diagnosis.rules import diagnose
from control_plane.support.diagnosis.seen import Asked, Diagnosis, Seen, SeenClient
from control_plane.usage.actions import find_entry, search_log
from control_plane.usage.rules import LAST_ID, LogEntry, Sought, Window, first_id
from shared.domain.limits import NO_LIMITS
from shared.domain.plan import tenant_limits
from shared.runtime.database import Database

_RECENT = timedelta(hours=24)  # refusals that are looked at by themselves
_SHOWN = 10  # of them
_CHANGES = 20
_LOOKED_AT = (
    "client.register",
    "client.change",
    "client.disable",
    "client.enable",
    "client.delete",
    "tenant.set_status",
)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and what comes of it."""

    seen: Seen
    diagnosis: Diagnosis
    refusals: list[LogEntry]  # the last ones, of the client if one is asked about


class _OfTenant(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the tenant's own schema, and its part of the ledger: a deleted one has none."""

    client: SeenClient | None = None
    fields: dict[str, object] = msgspec.field(
        default_factory=lambda: {"keys": (), "apis": {}, "counts": {}, "changes": ()}
    )


async def find_tenant(database: Database, account_id: str, slug: str) -> SupportedTenant | None:
    async with database.control() as connection:
        return await repository.find_tenant(connection, account_id, slug)


async def find_refusal(
    database: Database, tenant: SupportedTenant, refusal: UUID
) -> LogEntry | None:
    found = await find_entry(database, tenant.id, refusal)
    return None if found is None or found.event != "refused" else found


async def look(
    database: Database,
    tenant: SupportedTenant,
    asked: Asked,
    now: datetime,
    refusal: LogEntry | None = None,
) -> Looked:
    """Look at a tenant, at a client of it, or at one refusal.

    Of a client that was refused something today, the last refusal is what is to be explained.
    """
    if refusal is not None:
        asked = msgspec.structs.replace(asked, client_id=refusal.client_id)
    refusals = await last_refusals(database, tenant, asked.client_id, now)
    if refusal is None and asked.client_id and refusals:
        refusal = refusals[0]
    of_tenant = _OfTenant()
    if not tenant.is_deleted:
        async with database.tenant(tenant.id) as connection:
            of_tenant = await _of_tenant(connection, tenant, asked, now)
    async with database.control() as connection:
        held = await tokens_used(connection, tenant.account_id, f"{now:%Y-%m}")
        elsewhere = ""
        if asked.client_id and of_tenant.client is None:
            elsewhere = await repository.find_elsewhere(connection, tenant, asked.client_id)
    seen = Seen(
        now=now,
        suspended=tenant.suspended,
        status=tenant.status,
        deletes_at=tenant.deletes_at,
        limits=NO_LIMITS if held is None else tenant_limits(held[0]),
        used=0 if held is None else held[1],
        applying=tenant.behind,
        asked=asked,
        client=of_tenant.client,
        elsewhere=elsewhere,
        refusal=refusal,
        **of_tenant.fields,
    )
    return Looked(seen=seen, diagnosis=diagnose(seen), refusals=refusals)


async def last_refusals(
    database: Database, tenant: SupportedTenant, client_id: str, now: datetime
) -> list[LogEntry]:
    """List today's, the newest first: the tenant's, or a client's."""
    window = Window(first_id(now - _RECENT), LAST_ID)
    sought = Sought(client_id=client_id, event="refused")
    return (await search_log(database, tenant.id, sought, window, _SHOWN)).entries


async def _of_tenant(
    connection: AsyncConnection, tenant: SupportedTenant, asked: Asked, now: datetime
) -> _OfTenant:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    since = this_hour - timedelta(hours=1)
    named = asked.client_id
    targets = [f"tenant {tenant.slug}", *([f"client {named}"] if named else [])]
    changes = await repository.last_changes(connection, targets, _LOOKED_AT, _CHANGES)
    return _OfTenant(
        client=await repository.find_client(connection, named) if named else None,
        fields={
            "keys": tuple(await list_keys(connection)),
            "apis": await repository.scopes_of_apis(connection),
            "counts": await repository.counts_since(connection, since, named),
            "changes": tuple(changes),
        },
    )
