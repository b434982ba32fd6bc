"""Rows of the ledger, read under the tenant's role, which sees its own; and what lets old ones go.

Every function works in the transaction that it is given.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.usage.rules import (
    ActiveHour,
    Counted,
    IssuedToken,
    LogEntry,
    Window,
    time_of,
)
from shared.runtime.tables.ledger import account_month, issued, refused, usage

# One probe of the key for each hour: the key of a tenant with many clients has its hours first.
_HOURS_OF_CLIENT = text("""
SELECT each.hour, found.minutes FROM generate_series(
    CAST(:high AS timestamptz) - interval '1 hour', CAST(:low AS timestamptz), '-1 hour'
  ) AS each (hour),
  LATERAL (SELECT bit_or(held.minutes) AS minutes FROM ledger.usage held
    WHERE held.hour = each.hour AND client_id = :client_id AND event = 'issued') found
WHERE found.minutes IS NOT NULL ORDER BY each.hour DESC
""")


async def find_issued(connection: AsyncConnection, jti: UUID) -> IssuedToken | None:
    row = (await connection.execute(select(issued).where(issued.c.jti == jti))).first()
    if row is None:
        return None
    return IssuedToken(
        jti=row.jti, client_id=row.client_id, issued_at=time_of(row.jti), lifetime=row.lifetime
    )


async def first_hour(connection: AsyncConnection) -> datetime | None:
    """Give the first hour of which usage is kept; None where there was none."""
    found: datetime | None = await connection.scalar(select(func.min(usage.c.hour)))
    return found


async def hours_of_client(
    connection: AsyncConnection, client_id: str, low: datetime, high: datetime
) -> list[ActiveHour]:
    """List the hours from `low` to before `high` in which it was issued tokens, newest first."""
    given = {"client_id": client_id, "low": low, "high": high}
    rows = await connection.execute(_HOURS_OF_CLIENT, given)
    return [ActiveHour(row.hour, row.minutes) for row in rows]


async def hours_of_tenant(
    connection: AsyncConnection, low: datetime, high: datetime
) -> list[ActiveHour]:
    """The same of all clients."""
    rows = await connection.execute(
        select(usage.c.hour, func.bit_or(usage.c.minutes).label("minutes"))
        .where(usage.c.hour >= low, usage.c.hour < high, usage.c.event == "issued")
        .group_by(usage.c.hour)
        .order_by(usage.c.hour.desc())
    )
    return [ActiveHour(row.hour, row.minutes) for row in rows]


async def list_issued(
    connection: AsyncConnection, window: Window, client_id: str | None, limit: int
) -> list[LogEntry]:
    """List the tokens of a window of time, the newest first."""
    chosen = select(issued).where(issued.c.jti >= window.low, issued.c.jti < window.high)
    rows = await connection.execute(
        _of_client(chosen, client_id).order_by(issued.c.jti.desc()).limit(limit)
    )
    return [
        LogEntry(
            id=row.jti,
            at=time_of(row.jti),
            event="issued",
            client_id=row.client_id,
            lifetime=row.lifetime,
        )
        for row in rows
    ]


async def list_refused(
    connection: AsyncConnection, window: Window, client_id: str | None, limit: int
) -> list[LogEntry]:
    """List the refusals of a window of time, the newest first."""
    chosen = select(refused).where(refused.c.id >= window.low, refused.c.id < window.high)
    rows = await connection.execute(
        _of_client(chosen, client_id).order_by(refused.c.id.desc()).limit(limit)
    )
    return [_refusal(row) for row in rows]


async def list_usage(
    connection: AsyncConnection, first: datetime, following: datetime
) -> list[Counted]:
    """Sum what was counted from `first` to before `following`."""
    rows = await connection.execute(
        select(
            usage.c.client_id,
            usage.c.api,
            usage.c.event,
            func.sum(usage.c.count).label("total"),
        )
        .where(usage.c.hour >= first, usage.c.hour < following)
        .group_by(usage.c.client_id, usage.c.api, usage.c.event)
        .order_by(usage.c.client_id, usage.c.api, usage.c.event)
    )
    return [
        Counted(client_id=row.client_id, api=row.api, event=row.event, count=row.total)
        for row in rows
    ]


async def drop_partition(connection: AsyncConnection, table: str, before: datetime) -> str | None:
    """Drop the oldest partition that ends before that day; None where there is none any more."""
    name: str | None = await connection.scalar(
        select(func.ledger.drop_partition(table, before.date()))
    )
    return name


async def forget_months(connection: AsyncConnection, before: datetime) -> None:
    """Forget what accounts were issued before that month."""
    await connection.execute(delete(account_month).where(account_month.c.month < f"{before:%Y-%m}"))


def _of_client(
    chosen: Select[tuple[object, ...]], client_id: str | None
) -> Select[tuple[object, ...]]:
    if client_id is None:
        return chosen
    return chosen.where(chosen.selected_columns["client_id"] == client_id)


def _refusal(row: Row[tuple[object, ...]]) -> LogEntry:
    held = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return LogEntry(
        id=held["id"],
        at=time_of(held["id"]),
        event="refused",
        client_id=held["client_id"],
        endpoint=held["endpoint"],
        error=held["error"],
        reason=held["reason"],
        address=held["address"],
        request_id=held["request_id"],
    )
