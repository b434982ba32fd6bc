"""The list of clients: with their secrets, and what they were issued lately.

Every function works in the tenant's transaction that it is given. The ledger counts by the hour:
"thirty days" ends with the hour that has begun.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Subquery, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.rules import ClientOrder
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.runtime.tables.ledger import secret_use, usage
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
    unused: bool = (
        False  # only those that are older than thirty days, and were issued nothing in them
    )
    order: ClientOrder = ClientOrder.NAME


async def page_of_clients(
    connection: AsyncConnection, wanted: Wanted, *, offset: int, limit: int
) -> tuple[list[ListedClient], int]:
    """List those that are wanted; and say how many there are of them."""
    secrets = _secrets_of_each()
    conditions = _conditions(wanted)
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
    return [
        msgspec.convert(_named(row) | {"tokens": tokens.get(row["client_id"], 0)}, ListedClient)
        for row in found
    ], total or 0


def _named(row: RowMapping) -> dict[str, Any]:
    """Give it by plain names: those of columns are at times of a type that msgspec refuses."""
    return {str(name): value for name, value in row.items()}


async def count_tokens(
    connection: AsyncConnection, clients: Collection[ClientId]
) -> dict[ClientId, int]:
    """Count what each was issued in the last thirty days; who was issued nothing is left out."""
    rows = await connection.execute(
        select(usage.c.client_id, func.sum(usage.c.count).label("tokens"))
        .where(usage.c.client_id.in_(clients), *_issued_lately())
        .group_by(usage.c.client_id)
    )
    return {ClientId(row.client_id): row.tokens for row in rows}


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        client.c.name.icontains(wanted.search, autoescape=True)
        | client.c.client_id.icontains(wanted.search, autoescape=True)
    ]
    if wanted.unused:
        used = select(usage.c.client_id).where(
            usage.c.client_id == client.c.client_id, *_issued_lately()
        )
        conditions += [client.c.created_at < func.now() - _LATELY, ~used.exists()]
    return conditions


def _issued_lately() -> tuple[ColumnElement[bool], ...]:
    return usage.c.hour >= func.date_trunc("hour", func.now()) - _LATELY, usage.c.event == "issued"


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
