"""Rows of APIs. Every function works in the tenant's transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.apis.rules import NewApi
from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.tables.tenant import api, client_grant


class ApiRow(msgspec.Struct, frozen=True, kw_only=True):
    identifier: str
    name: str
    scopes: dict[str, str]
    token_lifetime: int
    algorithm: Algorithm
    profile: TokenProfile
    created_at: datetime


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


def _api_row(row: Row[tuple[object, ...]]) -> ApiRow:
    return msgspec.convert(row._mapping, ApiRow)  # noqa: SLF001 - SQLAlchemy's public name for it
