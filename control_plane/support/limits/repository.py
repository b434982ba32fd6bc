"""Rows of overrides. Works in the transaction that it is given, as the support login.

What is live stands in the account's row too (accounts.repository.mark_overrides).
"""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.repository import OVERRIDE
from control_plane.accounts.rules import OverrideRow
from shared.domain.plan import OverrideField
from shared.runtime.tables.support_acts import limit_override


async def add_override(connection: AsyncConnection, new: OverrideRow) -> None:
    await connection.execute(insert(limit_override).values(**msgspec.structs.asdict(new)))


async def find_live_override(
    connection: AsyncConnection, account_id: str, field: OverrideField
) -> OverrideRow | None:
    found = await connection.execute(
        select(*OVERRIDE).where(*_live(account_id, field)).with_for_update(key_share=True)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, OverrideRow)


async def end_override(
    connection: AsyncConnection, account_id: str, field: OverrideField, now: datetime
) -> None:
    """End it at once, for another to take its place."""
    await connection.execute(
        update(limit_override).where(*_live(account_id, field)).values(ended_at=now)
    )


async def set_override_end(
    connection: AsyncConnection, account_id: str, field: OverrideField, now: datetime
) -> None:
    """Have its time be over: the jobs end it."""
    await connection.execute(
        update(limit_override).where(*_live(account_id, field)).values(ends_at=now)
    )


async def past_overrides(
    connection: AsyncConnection, account_id: str, limit: int
) -> list[OverrideRow]:
    """List those that are over, the last ended first."""
    held = limit_override.c
    rows = await connection.execute(
        select(*OVERRIDE)
        .where(held.account_id == account_id, held.ended_at.is_not(None))
        .order_by(held.ended_at.desc(), held.id)
        .limit(limit)
    )
    return [msgspec.convert(row, OverrideRow) for row in rows.mappings()]


def _live(account_id: str, field: OverrideField) -> tuple[ColumnElement[bool], ...]:
    held = limit_override.c
    return held.account_id == account_id, held.field == field, held.ended_at.is_(None)
