"""Gathering what a diagnosis is made from, each from the feature that it belongs to."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.keys.repository import list_keys
from control_plane.limits.repository import tokens_used
from control_plane.support.diagnosis import repository
from control_plane.support.diagnosis.repository import RevocationRow, SupportedTenant
from control_plane.support.diagnosis.rules import diagnose
from control_plane.support.diagnosis.seen import Asked, Diagnosis, Seen
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


class FoundToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was issued, as the ledger has it."""

    token: LogEntry
    expires_at: datetime
    revoked: RevocationRow | None


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and what comes of it."""

    seen: Seen
    diagnosis: Diagnosis
    refusals: list[LogEntry]  # today's last ones, of the client if one is asked about
    token: LogEntry | None  # today's last, of the client that is asked about


async def find_tenant(database: Database, account_id: str, slug: str) -> SupportedTenant | None:
    async with database.control() as connection:
        return await repository.find_supported_tenant(connection, account_id, slug)


async def find_refusal(
    database: Database, tenant: SupportedTenant, refusal: UUID
) -> LogEntry | None:
    found = await find_entry(database, tenant.id, refusal)
    return None if found is None or found.event != "refused" else found


async def find_token(
    database: Database, tenant: SupportedTenant, token_id: UUID
) -> FoundToken | None:
    found = await find_entry(database, tenant.id, token_id)
    if found is None or found.event != "issued":
        return None
    async with database.tenant(tenant.id) as connection:
        revoked = await repository.find_revocation(connection, str(found.id), found.client_id)
    lasts = timedelta(seconds=found.lifetime or 0)
    # what is revoked of a client or of all is what was issued until then
    is_of_it = revoked is not None and (revoked.kind == "token" or found.at <= revoked.not_before)
    return FoundToken(
        token=found, expires_at=found.at + lasts, revoked=revoked if is_of_it else None
    )


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
    refusals = await _today(database, tenant, asked.client_id, "refused", now)
    if refusal is None and asked.client_id and refusals:
        refusal = refusals[0]
    async with database.control() as connection:
        held = await tokens_used(connection, tenant.account_id, f"{now:%Y-%m}")
    seen = Seen(
        now=now,
        suspended=tenant.suspended,
        status=tenant.status,
        deletes_at=tenant.deletes_at,
        limits=NO_LIMITS if held is None else tenant_limits(held[0]),
        used=0 if held is None else held[1],
        applying=tenant.behind,
        asked=asked,
        refusal=refusal,
    )
    if not tenant.is_deleted:
        async with database.tenant(tenant.id) as connection:
            seen = await _with_its_own(connection, tenant, seen)
    if asked.client_id and seen.client is None:
        async with database.control() as connection:
            elsewhere = await repository.find_elsewhere(connection, tenant, asked.client_id)
        seen = msgspec.structs.replace(seen, elsewhere=elsewhere)
    tokens = await _today(database, tenant, asked.client_id, "issued", now) if seen.client else []
    token = tokens[0] if tokens else None
    return Looked(seen=seen, diagnosis=diagnose(seen), refusals=refusals, token=token)


async def _today(
    database: Database, tenant: SupportedTenant, client_id: str, event: str, now: datetime
) -> list[LogEntry]:
    """List what was issued or refused in a day, the newest first: the tenant's, or a client's."""
    window = Window(first_id(now - _RECENT), LAST_ID)
    sought = Sought(client_id=client_id, event=event)
    return (await search_log(database, tenant.id, sought, window, _SHOWN)).entries


async def _with_its_own(connection: AsyncConnection, tenant: SupportedTenant, seen: Seen) -> Seen:
    """Add what is in the tenant's own schema, and its part of the ledger."""
    named = seen.asked.client_id
    hours = seen.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    targets = [f"tenant {tenant.slug}", *([f"client {named}"] if named else [])]
    changes = await repository.last_changes(connection, targets, _LOOKED_AT, _CHANGES)
    return msgspec.structs.replace(
        seen,
        client=await repository.find_client(connection, named) if named else None,
        keys=tuple(await list_keys(connection)),
        apis=await repository.scopes_by_api(connection),
        counts=await repository.counts_since(connection, hours, named),
        changes=tuple(changes),
    )
