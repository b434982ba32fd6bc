"""The list of clients: with their secrets, and what they were issued lately.

Every function works in the tenant's transaction that it is given. "Thirty days" are whole ones, and
today: of each day the ledger has a sum, so that a month of thousands of clients is few rows.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    RowMapping,
    Subquery,
    func,
    literal,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.rules import ClientOrder
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.runtime.tables.ledger import rolled_up, secret_use, usage, usage_day
from shared.runtime.tables.tenant import client, client_secret

_LATELY = timedelta(days=30)


class ListedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client as a list shows it."""

    client_id: ClientId
    name: str
    enabled: bool
    auth_method: AuthMethod
    default_api: str | None
    created_at: datetime
    secrets: int  # that are live
    expires_at: datetime | None  # of the live secret that is the first to end
    used_at: datetime | None  # of any of its secrets, to the minute or so
    tokens: int  # issued to it in the last thirty days


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which clients a list is to have."""

    search: str = ""  # in the name or the id
    # only those that are older than thirty days, and were issued nothing in them
    unused: bool = False
    order: ClientOrder = ClientOrder.NAME


async def page_of_clients(
    connection: AsyncConnection, wanted: Wanted, *, offset: int, limit: int
) -> tuple[list[ListedClient], int]:
    """List those that are wanted; and say how many there are of them."""
    secrets = _secrets_of_each()
    conditions = _conditions(wanted)
    if wanted.unused:
        until = (await connection.execute(select(rolled_up.c.until))).scalar_one()
        conditions.append(client.c.client_id.not_in(_used_lately(until)))
    orders = {
        ClientOrder.NAME: func.lower(client.c.name),
        ClientOrder.CREATED: client.c.created_at.desc(),
        ClientOrder.USED: secrets.c.used_at.desc().nulls_last(),
    }
    rows = await connection.execute(
        select(
            client,
            func.coalesce(secrets.c.secrets, 0).label("secrets"),
            secrets.c.expires_at,
            secrets.c.used_at,
            func.count().over().label("total"),  # in one pass: a look at thirty days costs
        )
        .outerjoin(secrets, secrets.c.client_id == client.c.client_id)
        .where(*conditions)
        .order_by(orders[wanted.order], client.c.client_id)
        .offset(offset)
        .limit(limit)
    )
    found = rows.mappings().all()
    tokens = await count_tokens(connection, [row["client_id"] for row in found])
    total = found[0]["total"] if found else 0
    if not found and offset:  # a page behind the last
        total = await connection.scalar(select(func.count()).select_from(client).where(*conditions))
    return [_listed(row, tokens.get(row["client_id"], 0)) for row in found], total or 0


async def count_tokens(
    connection: AsyncConnection, clients: Collection[ClientId]
) -> dict[ClientId, int]:
    """Count what each was issued in the last thirty days; who was issued nothing is left out."""
    until = select(rolled_up.c.until).scalar_subquery()
    parts = (
        select(of_client, count).where(of_client.in_(clients), *conditions)
        for of_client, count, *conditions in _issued_lately(until)
    )
    counts = union_all(*parts).subquery()
    rows = await connection.execute(
        select(counts.c.client_id, func.sum(counts.c.count).label("tokens")).group_by(
            counts.c.client_id
        )
    )
    return {ClientId(row.client_id): int(row.tokens) for row in rows}


def _listed(row: RowMapping, tokens: int) -> ListedClient:
    # SQLAlchemy's names are of a kind of str that msgspec does not take for a dict's keys
    named = {str(name): value for name, value in row.items()}
    return msgspec.convert(named | {"tokens": tokens}, ListedClient)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        client.c.name.icontains(wanted.search, autoescape=True)
        | client.c.client_id.icontains(wanted.search, autoescape=True)
    ]
    if wanted.unused:
        conditions.append(client.c.created_at < func.now() - _LATELY)
    return conditions


def _used_lately(until: datetime) -> CompoundSelect[Any]:
    """Give the clients that were issued something: of the days of each, one is looked for.

    `until` was read before: to this question it is the same if an hour is among both, and a planner
    that is not told the value expects a third of all hours.
    """
    (of_day, _, *in_days), (of_hour, _, *in_hours) = _issued_lately(literal(until))
    asking = client.alias("asking")
    any_day = select(of_day).where(of_day == asking.c.client_id, *in_days).limit(1).lateral()
    return union(select(asking.c.client_id).join(any_day, true()), select(of_hour).where(*in_hours))


def _issued_lately(until: ColumnElement[datetime]) -> Iterator[tuple[ColumnElement[Any], ...]]:
    """Give client, count and conditions: of days, then of hours that are not in them yet.

    For none to be missed or counted twice, one statement reads both and the bound between them.
    """
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - _LATELY
    yield (
        usage_day.c.client_id,
        usage_day.c.count,
        usage_day.c.day >= first.date(),
        usage_day.c.event == "issued",
    )
    yield (
        usage.c.client_id,
        usage.c.count,
        usage.c.hour >= first,
        usage.c.hour >= until,
        usage.c.event == "issued",
    )


def _secrets_of_each() -> Subquery:
    """Sum up the secrets of each client that has any, and their last use."""
    ends = client_secret.c.expires_at
    live = ends.is_(None) | (ends > func.now())
    return (
        select(
            client_secret.c.client_id,
            func.count().filter(live).label("secrets"),
            func.min(ends).filter(live).label("expires_at"),
            func.max(secret_use.c.used_at).label("used_at"),
        )
        .outerjoin(secret_use, secret_use.c.digest == client_secret.c.digest)
        .group_by(client_secret.c.client_id)
        .subquery()
    )
