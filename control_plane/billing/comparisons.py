"""Rows of what comparing our counts with Stripe's came to. As the login, in its transaction."""

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing.rules import ALERT
from shared.runtime.tables.billing import metered_usage, reconciliation


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing an account's period came to; all counts are of tokens over the plan."""

    account_id: str
    starts_at: datetime
    ends_at: datetime
    ours: int
    metered: int  # by Stripe
    invoiced: int | None  # None: there is no invoice yet
    drift: float  # percent
    at: datetime

    @property
    def is_adrift(self) -> bool:
        return self.drift > ALERT


async def metered_between(
    connection: AsyncConnection, account_id: str, start: datetime, end: datetime
) -> int:
    """Count those that were written down in [start, end)."""
    found = await connection.scalar(
        select(func.coalesce(func.sum(metered_usage.c.tokens), 0)).where(
            metered_usage.c.account_id == account_id,
            metered_usage.c.at >= start,
            metered_usage.c.at < end,
        )
    )
    return int(found or 0)


async def set_reconciliation(connection: AsyncConnection, row: Reconciliation) -> None:
    """Keep what the period's comparison came to, instead of what it came to before."""
    values = msgspec.structs.asdict(row)
    await connection.execute(
        insert(reconciliation)
        .values(values)
        .on_conflict_do_update(index_elements=["account_id", "starts_at"], set_=values)
    )
