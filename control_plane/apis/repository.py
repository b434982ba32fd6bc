"""Rows of APIs. Every function works in the tenant's transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import Row, ScalarSelect, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.apis.rules import ApiOrder, NewApi
from shared.domain.client import AuthMethod, TokenProfile
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm
from shared.runtime.tables.tenant import api, client, client_grant


class ApiRow(msgspec.Struct, frozen=True, kw_only=True):
    identifier: str
    name: str
    scopes: dict[str, str]
    token_lifetime: int
    algorithm: Algorithm
    profile: TokenProfile
    created_at: datetime


class ListedApi(msgspec.Struct, frozen=True):
    """An API as a list shows it."""

    api: ApiRow
    clients: int  # that may ask for it


class GrantedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that may ask for an API."""

    client_id: ClientId
    name: str
    enabled: bool
    auth_method: AuthMethod
    scopes: list[str]


class ServingClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that may introspect an API's tokens."""

    client_id: ClientId
    name: str


async def add_api(connection: AsyncConnection, new: NewApi) -> bool:
    """Add the API; False when the tenant has one of that identifier."""
    added = await connection.execute(
        insert(api)
        .values(**msgspec.to_builtins(new))
        .on_conflict_do_nothing()
        .returning(api.c.identifier)
    )
    return added.first() is not None


async def get_api(connection: AsyncConnection, identifier: str) -> ApiRow | None:
    found = await connection.execute(select(api).where(api.c.identifier == identifier))
    row = found.first()
    return None if row is None else _api_row(row)


async def set_api(connection: AsyncConnection, new: NewApi) -> None:
    """Write the API anew; scopes that it has no more are taken from its clients too."""
    await connection.execute(
        update(api).where(api.c.identifier == new.identifier).values(**msgspec.to_builtins(new))
    )
    grants = await connection.execute(
        select(client_grant.c.client_id, client_grant.c.scopes).where(
            client_grant.c.api == new.identifier,
            ~client_grant.c.scopes.contained_by(sorted(new.scopes)),
        )
    )
    for grant in grants.all():
        await connection.execute(
            update(client_grant)
            .where(
                client_grant.c.client_id == grant.client_id, client_grant.c.api == new.identifier
            )
            .values(scopes=[each for each in grant.scopes if each in new.scopes])
        )


async def count_clients(connection: AsyncConnection, identifier: str) -> int:
    """Count the clients that may ask for it."""
    found = await connection.execute(select(func.count()).where(client_grant.c.api == identifier))
    return found.scalar_one()


async def delete_api(connection: AsyncConnection, identifier: str) -> bool:
    """Delete it; False when there is no such API. No client may be granted it any more."""
    found = await connection.execute(
        delete(api).where(api.c.identifier == identifier).returning(api.c.identifier)
    )
    return found.first() is not None


async def list_apis(connection: AsyncConnection) -> list[ApiRow]:
    rows = await connection.execute(select(api).order_by(api.c.created_at, api.c.identifier))
    return [_api_row(row) for row in rows]


async def page_of_apis(
    connection: AsyncConnection, search: str, order: ApiOrder, *, offset: int, limit: int
) -> tuple[list[ListedApi], int]:
    """List those whose name or identifier holds the text; and say how many there are of them."""
    wanted = api.c.name.icontains(search, autoescape=True) | api.c.identifier.icontains(
        search, autoescape=True
    )
    clients = _clients_of_each()
    orders = {
        ApiOrder.NAME: func.lower(api.c.name),
        ApiOrder.CREATED: api.c.created_at.desc(),
        ApiOrder.CLIENTS: clients.desc(),
    }
    rows = await connection.execute(
        select(api, clients.label("clients"))
        .where(wanted)
        .order_by(orders[order], api.c.identifier)
        .offset(offset)
        .limit(limit)
    )
    total = await connection.scalar(select(func.count()).select_from(api).where(wanted))
    return [ListedApi(_api_row(row), row.clients) for row in rows], total or 0


def _clients_of_each() -> ScalarSelect[int]:
    return select(func.count()).where(client_grant.c.api == api.c.identifier).scalar_subquery()


async def page_of_granted(
    connection: AsyncConnection, identifier: str, search: str, *, offset: int, limit: int
) -> tuple[list[GrantedClient], int]:
    """List the clients that may ask for the API by name; and say how many there are of them."""
    granted = (
        select(*(client.c[name] for name in ("client_id", "name", "enabled", "auth_method")))
        .add_columns(client_grant.c.scopes)
        .join(client_grant, client_grant.c.client_id == client.c.client_id)
        .where(
            client_grant.c.api == identifier,
            client.c.name.icontains(search, autoescape=True)
            | client.c.client_id.icontains(search, autoescape=True),
        )
    )
    rows = await connection.execute(
        granted.order_by(func.lower(client.c.name), client.c.client_id).offset(offset).limit(limit)
    )
    total = await connection.scalar(select(func.count()).select_from(granted.subquery()))
    return [msgspec.convert(row, GrantedClient) for row in rows.mappings()], total or 0


async def serving_clients(
    connection: AsyncConnection, identifier: str, *, limit: int
) -> list[ServingClient]:
    rows = await connection.execute(
        select(client.c.client_id, client.c.name)
        .where(client.c.serves.contains([identifier]))
        .order_by(func.lower(client.c.name), client.c.client_id)
        .limit(limit)
    )
    return [msgspec.convert(row, ServingClient) for row in rows.mappings()]


async def count_holders(connection: AsyncConnection, identifier: str) -> dict[str, int]:
    """Count the clients that each scope is granted to; one that nobody has is left out."""
    each = select(func.unnest(client_grant.c.scopes).label("scope")).where(
        client_grant.c.api == identifier
    )
    held = each.subquery()
    rows = await connection.execute(
        select(held.c.scope, func.count().label("clients")).group_by(held.c.scope)
    )
    return {row.scope: row.clients for row in rows}


def _api_row(row: Row[tuple[object, ...]]) -> ApiRow:
    return msgspec.convert(row._mapping, ApiRow)  # noqa: SLF001 - SQLAlchemy's public name for it
