"""Rows of the ledger, read under the tenant's role, which sees its own; and what lets old ones go.

Every function works in the transaction that it is given.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Date,
    Row,
    Select,
    Subquery,
    Table,
    column,
    func,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.usage.months import (
    EAGER,
    ISSUED,
    SECONDS_OF_DAY,
    EagerClient,
    Span,
    Total,
    begin_of,
)
from control_plane.usage.rules import (
    ActiveHour,
    IssuedToken,
    LogEntry,
    Sought,
    Window,
    entry_of,
    time_of,
)
from shared.domain import latency
from shared.runtime.tables.ledger import (
    account_month,
    issued,
    refused,
    rolled_up,
    usage,
    usage_day,
    usage_day_all,
    usage_month,
)
from shared.runtime.tables.tenant import api, client

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
    return None if row is None else _token(row)


async def find_refused(connection: AsyncConnection, refusal: UUID) -> LogEntry | None:
    row = (await connection.execute(select(refused).where(refused.c.id == refusal))).first()
    return None if row is None else _refusal(row)


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
    return [entry_of(_token(row)) for row in rows]


async def list_refused(
    connection: AsyncConnection, window: Window, sought: Sought, limit: int
) -> list[LogEntry]:
    """List the refusals of a window of time that are sought, the newest first."""
    rows = await connection.execute(
        select(refused)
        .where(*_within(window), *_wanted(sought))
        .order_by(refused.c.id.desc())
        .limit(limit)
    )
    return [_refusal(row) for row in rows]


async def nth_refused(connection: AsyncConnection, window: Window, number: int) -> UUID | None:
    """Give the id of the nth newest refusal of a window of time, from 1; None if there is none."""
    newest = select(refused.c.id).where(*_within(window)).order_by(refused.c.id.desc())
    found: UUID | None = await connection.scalar(newest.offset(number - 1).limit(1))
    return found


async def names_of_clients(connection: AsyncConnection, client_ids: list[str]) -> dict[str, str]:
    rows = await connection.execute(
        select(client.c.client_id, client.c.name).where(client.c.client_id.in_(client_ids))
    )
    return {row.client_id: row.name for row in rows}


async def rolled_until(connection: AsyncConnection) -> datetime:
    """Give the hour before which all are rolled up."""
    found: datetime = (await connection.execute(select(rolled_up.c.until))).scalar_one()
    return found


async def roll_up(connection: AsyncConnection, day: date) -> int:
    """Roll up the counts of a day's hours, of all tenants; tell how many were new."""
    changed = await connection.scalar(select(func.ledger.roll_up(day)))
    return int(changed or 0)


async def sum_usage(
    connection: AsyncConnection,
    span: Span,
    by: tuple[str, ...],
    where: Mapping[str, Sequence[str]],
    limit: int | None = None,
) -> list[Total]:
    """Sum by the columns named, the greatest first; `where` has values of columns.

    Latencies are no happenings of their own: they are summed where they are asked for.
    """
    summed = _summed(span, _rolled(span, by, where), by, where)
    # by name: to have them of `summed` costs as much as all else of a statement
    columns: list[ColumnElement[Any]] = [column(name) for name in by]
    total: ColumnElement[Any] = func.sum(column("count"))
    rows = await connection.execute(
        select(*columns, total.label("total"))
        .select_from(summed)
        .group_by(*columns)
        .order_by(total.desc(), *columns)
        .limit(limit)
    )
    return [Total(tuple(map(str, row[:-1])), int(row[-1])) for row in rows]


async def eager_clients(connection: AsyncConnection, span: Span, limit: int) -> list[EagerClient]:
    """List clients that on some day asked for more than EAGER tokens for each lifetime.

    A row of a day that is rolled up is all that a client asked for an API: none need be summed.
    """
    day, lifetime = usage_day.c, api.c.token_lifetime.label("lifetime")
    busiest = func.max(day.count).label("tokens")
    found = await connection.execute(
        select(day.client_id, client.c.name, day.api, busiest, lifetime)
        .join(api, api.c.identifier == day.api)
        .join(client, client.c.client_id == day.client_id)
        .where(
            day.day >= span.first,
            day.day < span.following,
            day.event == ISSUED,
            day.count * lifetime > EAGER * SECONDS_OF_DAY,
        )
        .group_by(day.client_id, client.c.name, day.api, lifetime)
        .order_by((busiest * lifetime).desc(), day.client_id)
        .limit(limit)
    )
    return [msgspec.convert(row, EagerClient) for row in found.mappings()]


def _rolled(span: Span, by: tuple[str, ...], where: Mapping[str, Sequence[str]]) -> Table:
    """Choose, of those that can tell, the roll-up with the fewest rows."""
    if "client_id" not in {*by, *where}:
        return usage_day_all
    return usage_month if span.is_of_months and "day" not in by else usage_day


def _summed(
    span: Span, rolled: Table, by: tuple[str, ...], where: Mapping[str, Sequence[str]]
) -> Subquery:
    """Give sums of days or months, and of the hours that are not rolled up into them yet.

    One statement reads both and the bound between them: none is missed or counted twice.
    """
    day = func.timezone("UTC", usage.c.hour).cast(Date)
    until = select(rolled_up.c.until).scalar_subquery()
    first, following = begin_of(span.first), begin_of(span.following)
    begins = rolled.c.month if rolled is usage_month else rolled.c.day
    parts = (
        (dict(rolled.c.items()), begins >= span.first, begins < span.following),
        (
            dict(usage.c.items()) | {"day": day.label("day")},
            usage.c.hour >= first,
            (usage.c.hour < following) & (usage.c.hour >= until),
        ),
    )
    return union_all(
        *(
            select(*(held[name] for name in by), func.sum(held["count"]).label("count"))
            .where(*bounds, *_chosen(held, where))
            .group_by(*(held[name] for name in by))
            for held, *bounds in parts
        )
    ).subquery()


def _chosen(
    held: Mapping[str, ColumnElement[Any]], where: Mapping[str, Sequence[str]]
) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [held[name].in_(values) for name, values in where.items()]
    return chosen if "event" in where else [*chosen, held["event"].not_in(latency.EVENTS)]


async def drop_partition(connection: AsyncConnection, table: str, before: datetime) -> str | None:
    """Drop the oldest partition that ends before that day; None where there is none any more."""
    name: str | None = await connection.scalar(
        select(func.ledger.drop_partition(table, before.date()))
    )
    return name


async def forget_months(connection: AsyncConnection, before: datetime) -> None:
    """Forget what accounts were issued before that month."""
    await connection.execute(
        account_month.delete().where(account_month.c.month < f"{before:%Y-%m}")
    )


def _of_client(
    chosen: Select[tuple[object, ...]], client_id: str | None
) -> Select[tuple[object, ...]]:
    if client_id is None:
        return chosen
    return chosen.where(chosen.selected_columns["client_id"] == client_id)


def _within(window: Window) -> tuple[ColumnElement[bool], ...]:
    return refused.c.id >= window.low, refused.c.id < window.high


def _wanted(sought: Sought) -> list[ColumnElement[bool]]:
    asked = ("client_id", "endpoint", "error", "address", "request_id")
    given = {name: getattr(sought, name) for name in asked}
    return [refused.c[name] == text for name, text in given.items() if text]


def _token(row: Row[Any]) -> IssuedToken:
    return IssuedToken(
        jti=row.jti, client_id=row.client_id, issued_at=time_of(row.jti), lifetime=row.lifetime
    )


def _refusal(row: Row[Any]) -> LogEntry:
    return LogEntry(
        id=row.id,
        at=time_of(row.id),
        event="refused",
        client_id=row.client_id,
        endpoint=row.endpoint,
        error=row.error,
        reason=row.reason,
        address=row.address,
        request_id=row.request_id,
    )
