"""Rows of accounts. Works in the transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.rules import OverrideRow, overrides_of
from shared.domain.management import OPERATOR
from shared.domain.plan import AccountLimits, HeldLimits, PlanName
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.people import member
from shared.runtime.tables.support_acts import limit_override

OVERRIDE = [limit_override.c[name] for name in OverrideRow.__struct_fields__]


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: datetime
    plan: PlanName


class LimitsRow(HeldLimits, frozen=True, kw_only=True):
    limits_version: int  # grows with each change
    limits_due: bool  # some tenant's snapshot may be from before


async def add_account(connection: AsyncConnection, account_id: str, name: str) -> None:
    await connection.execute(insert(account).values(id=account_id, name=name))


async def find_account(connection: AsyncConnection, account_id: str) -> AccountRow | None:
    found = await connection.execute(select(account).where(account.c.id == account_id))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, AccountRow)


async def list_accounts(connection: AsyncConnection, *, after: str, limit: int) -> list[AccountRow]:
    """List by id, `limit` at a time; `after` is the last id of the page before, or ''."""
    rows = await connection.execute(
        select(account).where(account.c.id > after).order_by(account.c.id).limit(limit)
    )
    return [msgspec.convert(row, AccountRow) for row in rows.mappings()]


async def find_limits(connection: AsyncConnection, account_id: str) -> LimitsRow | None:
    found = await connection.execute(select(account).where(account.c.id == account_id))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, LimitsRow)


async def lock_limits(connection: AsyncConnection, account_id: str) -> LimitsRow | None:
    """Read them for a change: whoever publishes, or changes them too, waits."""
    found = await connection.execute(
        select(account).where(account.c.id == account_id).with_for_update(key_share=True)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, LimitsRow)


async def set_limits(connection: AsyncConnection, account_id: str, limits: AccountLimits) -> None:
    """Write the limits but for the overrides, and that they are to be published."""
    values = {name: getattr(limits, name) for name in AccountLimits.__struct_fields__}
    await connection.execute(
        update(account)
        .where(account.c.id == account_id)
        .values(limits_version=account.c.limits_version + 1, limits_due=True, **values)
    )


async def set_published(connection: AsyncConnection, account_id: str, version: int) -> None:
    """Write that these limits are in every snapshot, unless there are newer ones."""
    await connection.execute(
        update(account)
        .where(account.c.id == account_id, account.c.limits_version == version)
        .values(limits_due=False)
    )


async def accounts_due(connection: AsyncConnection, limit: int) -> list[str]:
    """Name accounts whose limits are to be published."""
    rows = await connection.execute(
        select(account.c.id).where(account.c.limits_due).order_by(account.c.id).limit(limit)
    )
    return [row.id for row in rows]


async def accounts_with_due_overrides(
    connection: AsyncConnection, now: datetime, limit: int
) -> list[str]:
    """Name accounts that have an override whose time is over."""
    due = limit_override.c
    rows = await connection.execute(
        select(due.account_id)
        .where(due.ended_at.is_(None), due.ends_at <= now)
        .distinct()
        .order_by(due.account_id)
        .limit(limit)
    )
    return [row.account_id for row in rows]


async def end_due_overrides(
    connection: AsyncConnection, account_id: str, now: datetime
) -> list[OverrideRow]:
    """End those of the account whose time is over, and give them."""
    due = limit_override.c
    ended = await connection.execute(
        update(limit_override)
        .where(due.account_id == account_id, due.ended_at.is_(None), due.ends_at <= now)
        .values(ended_at=now)
        .returning(*OVERRIDE)
    )
    return [msgspec.convert(row, OverrideRow) for row in ended.mappings()]


async def live_overrides(connection: AsyncConnection, account_id: str) -> list[OverrideRow]:
    held = limit_override.c
    rows = await connection.execute(
        select(*OVERRIDE)
        .where(held.account_id == account_id, held.ended_at.is_(None))
        .order_by(held.field)
    )
    return [msgspec.convert(row, OverrideRow) for row in rows.mappings()]


async def mark_overrides(connection: AsyncConnection, account_id: str) -> None:
    """Have the account's row, which is locked, say what is live; it is to be published."""
    live = await live_overrides(connection, account_id)
    await connection.execute(
        update(account)
        .where(account.c.id == account_id)
        .values(
            overrides=msgspec.to_builtins(overrides_of(live)),
            limits_version=account.c.limits_version + 1,
            limits_due=True,
        )
    )


async def remove_empty(connection: AsyncConnection, ids: list[str]) -> None:
    """Remove those of the accounts that have neither a member nor a tenant."""
    has_member = select(member.c.person_id).where(member.c.account_id == account.c.id).exists()
    has_tenant = select(tenant.c.id).where(tenant.c.account_id == account.c.id).exists()
    await connection.execute(
        delete(account).where(
            account.c.id.in_(ids), account.c.id != OPERATOR, ~has_member, ~has_tenant
        )
    )
