"""What an account has already. Works in the transaction that it is given, as the login."""

import msgspec
from sqlalchemy import and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import TenantId, schema_of
from shared.domain.plan import Environment, HeldLimits
from shared.domain.snapshot import TenantStatus
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.ledger import account_month

# What is on its way out leaves its room at once; to undo that takes room again.
_STAYS = and_(tenant.c.status != TenantStatus.DELETED, tenant.c.deletes_at.is_(None))


async def account_of(connection: AsyncConnection, tenant_id: TenantId) -> str | None:
    found = await connection.scalar(select(tenant.c.account_id).where(tenant.c.id == tenant_id))
    return None if found is None else str(found)


async def lock_account(connection: AsyncConnection, account_id: str) -> HeldLimits | None:
    """Have whoever else would create something in the account wait until we are done."""
    found = await connection.execute(
        select(account).where(account.c.id == account_id).with_for_update(key_share=True)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, HeldLimits)


async def tokens_used(
    connection: AsyncConnection, account_id: str, month: str
) -> tuple[HeldLimits, int] | None:
    """Give what the account may, and what it was issued in a UTC month such as 2026-11."""
    of_month = (
        select(func.coalesce(func.sum(account_month.c.issued), 0))
        .where(account_month.c.account == account_id, account_month.c.month == month)
        .scalar_subquery()
    )
    found = await connection.execute(
        select(account, of_month.label("used")).where(account.c.id == account_id)
    )
    row = found.mappings().first()
    return None if row is None else (msgspec.convert(row, HeldLimits), int(row["used"]))


async def count_tenants(
    connection: AsyncConnection, account_id: str, environment: Environment
) -> int:
    counted = await connection.scalar(
        select(func.count()).where(
            tenant.c.account_id == account_id,
            tenant.c.environment == environment,
            _STAYS,
        )
    )
    return counted or 0


async def count_clients(connection: AsyncConnection, account_id: str) -> int:
    return await _count_in_tenants(connection, account_id, "client")


async def count_apis(connection: AsyncConnection, account_id: str) -> int:
    return await _count_in_tenants(connection, account_id, "api")


async def _count_in_tenants(connection: AsyncConnection, account_id: str, table: str) -> int:
    """Count a table's rows over all tenants of the account, in one round trip."""
    tenants = await connection.scalars(
        select(tenant.c.id).where(tenant.c.account_id == account_id, _STAYS)
    )
    counts = [f'(SELECT count(*) FROM "{schema_of(each)}"."{table}")' for each in tenants]  # noqa: S608 - ids of our own making
    return int(await connection.scalar(text("SELECT " + " + ".join(counts or ["0"]))))
