"""Rows of accounts. Works in the transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.tables.control import account


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: datetime


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
