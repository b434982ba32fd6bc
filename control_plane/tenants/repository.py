"""Rows of tenants, and the schema and role of each. Works in the transaction that it is given."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from migrations.run import tenant_grants, tenant_head, tenant_script
from shared.domain.ids import TenantId, schema_of
from shared.domain.management import OPERATOR
from shared.domain.plan import Environment
from shared.domain.snapshot import TenantStatus
from shared.runtime.database import run_script
from shared.runtime.tables.control import issuer_snapshot, tenant
from shared.runtime.tables.support_acts import deletion_request
from shared.runtime.tables.support_search import client_place

_SLUG_HELD_FOR = timedelta(days=90)  # so that nobody takes over the issuer of live tokens


class ApprovedDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """A deletion that one of the staff has asked for and another has approved."""

    id: str
    account_id: str
    tenant_id: str
    slug: str
    decided_by: str
    decided_email: str


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    id: TenantId
    slug: str
    name: str
    account_id: str
    status: TenantStatus
    created_at: datetime
    deleted_at: datetime | None
    environment: Environment
    deletes_at: datetime | None  # while its deletion can be undone: when it goes


async def add_tenant(
    connection: AsyncConnection,
    tenant_id: TenantId,
    slug: str,
    name: str,
    account_id: str = OPERATOR,
    environment: Environment = Environment.TEST,
) -> bool:
    """Add the tenant's row; False when the slug is taken or still held after a deletion."""
    await _release_slug(connection, slug)
    added = await connection.execute(
        insert(tenant)
        .values(
            id=tenant_id,
            slug=slug,
            name=name,
            account_id=account_id,
            environment=environment,
            status=TenantStatus.ACTIVE,
            schema_revision=tenant_head(),
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(tenant.c.id)
    )
    return added.first() is not None


async def create_schema(connection: AsyncConnection, tenant_id: TenantId) -> None:
    """Create the tenant's role, schema and tables."""
    await connection.execute(select(func.control.create_tenant_role(tenant_id)))
    schema = schema_of(tenant_id)
    await run_script(
        connection,
        f'CREATE SCHEMA "{schema}"; SET LOCAL search_path = "{schema}";'
        + tenant_script(None)
        + tenant_grants(tenant_id)
        + "SET LOCAL search_path = DEFAULT;",
    )


async def drop_schema(connection: AsyncConnection, tenant_id: TenantId) -> None:
    """Drop all that the tenant owns, and forget where its clients were.

    What the ledger holds of it goes with the ledger's age.
    """
    await connection.execute(delete(client_place).where(client_place.c.tenant_id == tenant_id))
    await connection.execute(text(f'DROP SCHEMA "{schema_of(tenant_id)}" CASCADE'))
    await connection.execute(select(func.control.drop_tenant_role(tenant_id)))


async def set_name(connection: AsyncConnection, tenant_id: TenantId, name: str) -> None:
    await connection.execute(update(tenant).where(tenant.c.id == tenant_id).values(name=name))


async def set_deletion(
    connection: AsyncConnection, tenant_id: TenantId, at: datetime | None
) -> None:
    """Say when the tenant is to go, or that it stays; publishing stops or starts its tokens."""
    await connection.execute(update(tenant).where(tenant.c.id == tenant_id).values(deletes_at=at))


async def deletions_of(connection: AsyncConnection, account_id: str) -> list[datetime]:
    """Say when those of the account go that can still be kept, the first one first."""
    rows = await connection.scalars(
        select(tenant.c.deletes_at)
        .where(tenant.c.account_id == account_id, tenant.c.deletes_at.is_not(None))
        .order_by(tenant.c.deletes_at)
    )
    return list(rows)


async def deletions_due(connection: AsyncConnection, now: datetime, limit: int) -> list[TenantRow]:
    rows = await connection.execute(
        select(tenant).where(tenant.c.deletes_at <= now).order_by(tenant.c.deletes_at).limit(limit)
    )
    return [msgspec.convert(row, TenantRow) for row in rows.mappings()]


async def find_tenant(connection: AsyncConnection, slug: str) -> TenantRow | None:
    found = await connection.execute(
        select(tenant).where(tenant.c.slug == slug, tenant.c.status != TenantStatus.DELETED)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, TenantRow)


async def list_tenants(connection: AsyncConnection, *, after: str, limit: int) -> list[TenantRow]:
    """List by slug, `limit` at a time; `after` is the last slug of the page before, or ''."""
    rows = await connection.execute(
        select(tenant)
        .where(tenant.c.slug > after, tenant.c.status != TenantStatus.DELETED)
        .order_by(tenant.c.slug)
        .limit(limit)
    )
    return [msgspec.convert(row, TenantRow) for row in rows.mappings()]


async def _release_slug(connection: AsyncConnection, slug: str) -> None:
    """Take the slug from a tenant that was deleted long enough ago."""
    released = await connection.execute(
        update(tenant)
        .where(tenant.c.slug == slug, tenant.c.deleted_at < func.now() - _SLUG_HELD_FOR)
        .values(slug=None)
        .returning(tenant.c.id)
    )
    for row in released:
        await connection.execute(
            delete(issuer_snapshot).where(issuer_snapshot.c.tenant_id == row.id)
        )


async def approved_deletion(
    connection: AsyncConnection, request_id: str
) -> ApprovedDeletion | None:
    """Find it, where nothing has come of it yet."""
    asked = deletion_request.c
    found = await connection.execute(
        select(*(asked[name] for name in ApprovedDeletion.__struct_fields__)).where(
            asked.id == request_id, asked.approved, asked.outcome.is_(None)
        )
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, ApprovedDeletion)


async def set_deletion_outcome(connection: AsyncConnection, request_id: str, outcome: str) -> None:
    """Write what came of a deletion that was approved."""
    asked = deletion_request.c
    await connection.execute(
        update(deletion_request).where(asked.id == request_id).values(outcome=outcome)
    )
