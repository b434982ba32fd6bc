"""Editing a tenant and publishing the change to the data plane, in one transaction.

Every change of a tenant goes through `edit_tenant`, so no action can forget to publish. The
snapshot's row is locked first: changes of one tenant stand in line, and versions have no gaps.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import TenantId
from shared.domain.jwk import Jwk
from shared.domain.limits import TenantLimits
from shared.domain.plan import HeldLimits, tenant_limits
from shared.domain.refused import Refused
from shared.domain.snapshot import IssuerSnapshot, KeyState, SigningKey, TenantStatus
from shared.domain.suspension import SuspensionKind
from shared.runtime import doorbell
from shared.runtime.database import Database, become_login, become_tenant
from shared.runtime.tables.control import account, issuer_snapshot, tenant
from shared.runtime.tables.tenant import api, signing_key


class UnknownTenant(Refused):
    """There is no such tenant, or it is deleted."""


class VersionedLimits(msgspec.Struct, frozen=True):
    of_tenant: TenantLimits
    version: int  # of the account's limits
    stopped: bool = False  # support has suspended the account: none of its tenants issues


@asynccontextmanager
async def edit_tenant(database: Database, tenant_id: TenantId) -> AsyncIterator[AsyncConnection]:
    """One transaction under the tenant's role; leaving it publishes the tenant's next version."""
    async with database.control() as connection:
        version = await connection.scalar(
            select(issuer_snapshot.c.version)
            .where(issuer_snapshot.c.tenant_id == tenant_id)
            .with_for_update()
        )
        if version is None or await status_of(connection, tenant_id) is TenantStatus.DELETED:
            raise UnknownTenant("there is no such tenant")
        await become_tenant(connection, tenant_id)
        yield connection
        await become_login(connection)
        await publish(connection, tenant_id, version + 1)


async def publish(connection: AsyncConnection, tenant_id: TenantId, version: int) -> None:
    """Write the tenant's snapshot and ring, as the login. The caller holds the snapshot's row."""
    held = (
        await connection.execute(
            select(tenant.c.slug, tenant.c.status, tenant.c.account_id, tenant.c.deletes_at).where(
                tenant.c.id == tenant_id
            )
        )
    ).one()
    limits = await limits_of(connection, held.account_id)
    status = TenantStatus(held.status)
    # what is to be deleted, or whose account is suspended, issues no more; the tenant's own status
    # stays, so that it is then as it was if that is undone
    if status is not TenantStatus.DELETED and (held.deletes_at or limits.stopped):
        status = TenantStatus.SUSPENDED
    keys: tuple[SigningKey, ...] = ()
    scopes: tuple[str, ...] = ()
    if status is not TenantStatus.DELETED:
        await become_tenant(connection, tenant_id)
        keys, scopes = await _signing_keys(connection), await _scopes(connection)
        await become_login(connection)
    snapshot = IssuerSnapshot(
        tenant_id=tenant_id,
        slug=held.slug,
        account_id=held.account_id,
        version=version,
        status=status,
        signing_keys=keys,
        scopes=scopes,
        limits=limits.of_tenant,
    )
    await publish_snapshot(connection, snapshot, limits.version)


async def limits_of(connection: AsyncConnection, account_id: str) -> VersionedLimits:
    """Read what the account's tenants may, as the login.

    Its row is locked against change: whoever changes an account's limits then finds every snapshot
    that was built from the limits before (accounts.actions.publish_limits).
    """
    found = await connection.execute(
        select(account).where(account.c.id == account_id).with_for_update(read=True)
    )
    row = found.mappings().one()
    suspended = row["suspended"]
    return VersionedLimits(
        tenant_limits(msgspec.convert(row, HeldLimits)),
        row["limits_version"],
        stopped=suspended is not None and SuspensionKind(suspended).stops_tokens,
    )


async def publish_snapshot(
    connection: AsyncConnection, snapshot: IssuerSnapshot, limits_version: int
) -> None:
    """Write it as it is and ring, as the login."""
    row = {
        "slug": snapshot.slug,
        "version": snapshot.version,
        "body": msgspec.json.encode(snapshot).decode(),
        "limits_version": limits_version,
    }
    await connection.execute(
        insert(issuer_snapshot)
        .values(tenant_id=snapshot.tenant_id, **row)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=row)
    )
    await ring(connection, snapshot.tenant_id, snapshot.version)


async def ring(connection: AsyncConnection, tenant_id: TenantId, what: int | str) -> None:
    await connection.execute(
        select(func.pg_notify(doorbell.CHANNEL, doorbell.payload(tenant_id, what)))
    )


async def tenants_behind(
    connection: AsyncConnection, account_id: str, *, after: str, limit: int
) -> list[TenantId]:
    """Name the account's tenants whose snapshots are from before its limits; as list_tenants."""
    rows = await connection.execute(
        select(tenant.c.id)
        .join(account, account.c.id == tenant.c.account_id)
        .join(issuer_snapshot, issuer_snapshot.c.tenant_id == tenant.c.id)
        .where(
            tenant.c.account_id == account_id,
            tenant.c.id > after,
            tenant.c.status != TenantStatus.DELETED,
            issuer_snapshot.c.limits_version < account.c.limits_version,
        )
        .order_by(tenant.c.id)
        .limit(limit)
    )
    return [TenantId(row.id) for row in rows]


async def set_status(connection: AsyncConnection, tenant_id: TenantId, to: TenantStatus) -> None:
    """Change the tenant's status, as the login; publishing makes it known."""
    deleted_at = func.now() if to is TenantStatus.DELETED else None
    await connection.execute(
        update(tenant)
        .where(tenant.c.id == tenant_id)
        .values(status=to, deleted_at=deleted_at, deletes_at=None)
    )


async def status_of(connection: AsyncConnection, tenant_id: TenantId) -> TenantStatus:
    return TenantStatus(
        (
            await connection.execute(select(tenant.c.status).where(tenant.c.id == tenant_id))
        ).scalar_one()
    )


async def set_keys_due(connection: AsyncConnection, tenant_id: TenantId, due: datetime) -> None:
    """Note when the tenant's keys are next to be looked at, as the login."""
    await connection.execute(update(tenant).where(tenant.c.id == tenant_id).values(keys_due_at=due))


async def tenants_with_keys_due(
    connection: AsyncConnection, now: datetime, limit: int
) -> list[TenantId]:
    rows = await connection.execute(
        select(tenant.c.id)
        .where(tenant.c.keys_due_at <= now, tenant.c.status != TenantStatus.DELETED)
        .order_by(tenant.c.keys_due_at)
        .limit(limit)
    )
    return [TenantId(row.id) for row in rows]


async def _signing_keys(connection: AsyncConnection) -> tuple[SigningKey, ...]:
    rows = await connection.execute(
        select(signing_key.c.state, signing_key.c.jwk, signing_key.c.sealed).order_by(
            signing_key.c.created_at, signing_key.c.kid
        )
    )
    return tuple(
        SigningKey(state=KeyState(row.state), jwk=msgspec.convert(row.jwk, Jwk), sealed=row.sealed)
        for row in rows
    )


async def _scopes(connection: AsyncConnection) -> tuple[str, ...]:
    names = func.jsonb_object_keys(api.c.scopes).label("scope")
    rows = await connection.execute(select(names).distinct().order_by(text("scope")))
    return tuple(row.scope for row in rows)
