"""Rows of clients and their grants, and their revocations.

Every function works in the tenant's transaction that it is given.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.rules import (
    ApiGrant,
    ClientChange,
    ClientKeys,
    NewClient,
)
from control_plane.publishing.revocations import refuse_until_now
from control_plane.secrets.repository import list_secrets
from control_plane.secrets.rules import KeptSecret
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId, TenantId
from shared.domain.limits import Rate
from shared.domain.scope import Scope
from shared.domain.workload import WorkloadRule
from shared.runtime.tables.tenant import api, client, client_grant


class ClientRow(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    name: str
    enabled: bool
    default_api: str | None
    serves: list[str]
    created_at: datetime
    auth_method: AuthMethod
    jwks: list[ClientJwk] | None
    jwks_uri: str | None
    legacy_assertions: bool
    dpop: DpopUse
    claims: dict[str, Any]
    workloads: list[WorkloadRule]
    token_rate: int | None  # its own limit, in token requests a second, and with it:
    token_burst: int | None

    @property
    def keys(self) -> ClientKeys:
        return ClientKeys(jwks=tuple(self.jwks or ()), jwks_uri=self.jwks_uri)


class ClientDetails(msgspec.Struct, frozen=True, kw_only=True):
    client: ClientRow
    grants: dict[str, list[str]]  # API identifier -> scopes
    secrets: list[KeptSecret]


class GrantedClient(msgspec.Struct, frozen=True, kw_only=True):
    client: ClientRow
    grants: dict[str, list[str]]  # API identifier -> scopes


async def scopes_of_apis(
    connection: AsyncConnection, identifiers: tuple[str, ...]
) -> dict[str, Scope]:
    rows = await connection.execute(
        select(api.c.identifier, api.c.scopes).where(api.c.identifier.in_(identifiers))
    )
    return {row.identifier: frozenset(row.scopes) for row in rows}


async def add_client(
    connection: AsyncConnection,
    client_id: ClientId,
    new: NewClient,
    grants: tuple[ApiGrant, ...],
    claims: bytes,
) -> None:
    """Add the client's row and grants; `claims` are its static ones, as a JSON object."""
    await connection.execute(
        insert(client).values(
            client_id=client_id,
            name=new.name,
            default_api=new.apis[0] if new.apis else None,
            serves=list(new.serves),
            auth_method=new.auth_method,
            legacy_assertions=new.legacy_assertions,
            dpop=new.dpop,
            claims=msgspec.json.decode(claims),
            **_keys(new.keys),
            **_rate(new.rate),
        )
    )
    await _add_grants(connection, client_id, grants)


async def set_client(
    connection: AsyncConnection, client_id: ClientId, change: ClientChange, claims: bytes | None
) -> None:
    """Write what the change names, but for the grants."""
    values: dict[str, object] = {
        "name": change.name,
        "serves": change.serves if change.serves is None else list(change.serves),
        "legacy_assertions": change.legacy_assertions,
        "dpop": change.dpop,
        "claims": claims if claims is None else msgspec.json.decode(claims),
        "default_api": change.apis[0] if change.apis else None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    if change.apis == ():
        given["default_api"] = None
    if change.keys is not None:
        given |= _keys(change.keys)
    if change.rate is not None or change.no_rate:
        given |= _rate(change.rate)
    if given:
        await connection.execute(
            update(client).where(client.c.client_id == client_id).values(**given)
        )


async def set_grants(
    connection: AsyncConnection, client_id: ClientId, grants: tuple[ApiGrant, ...]
) -> None:
    """Let the client ask for these APIs and scopes, and for no others."""
    await connection.execute(delete(client_grant).where(client_grant.c.client_id == client_id))
    await _add_grants(connection, client_id, grants)


async def _add_grants(
    connection: AsyncConnection, client_id: ClientId, grants: tuple[ApiGrant, ...]
) -> None:
    for grant in grants:
        await connection.execute(
            insert(client_grant).values(
                client_id=client_id, api=grant.api, scopes=sorted(grant.scopes)
            )
        )


def _keys(keys: ClientKeys | None) -> dict[str, object]:
    if keys is None:
        return {}
    return {
        "jwks": msgspec.to_builtins(keys.jwks) if keys.jwks else None,
        "jwks_uri": keys.jwks_uri,
    }


def _rate(rate: Rate | None) -> dict[str, object]:
    return {
        "token_rate": rate.per_second if rate else None,
        "token_burst": rate.burst if rate else None,
    }


async def list_clients(
    connection: AsyncConnection, *, after: ClientId, limit: int
) -> list[ClientRow]:
    """List by client_id, `limit` at a time; `after` is the last one of the page before, or ''."""
    rows = await connection.execute(
        select(client).where(client.c.client_id > after).order_by(client.c.client_id).limit(limit)
    )
    return [msgspec.convert(row, ClientRow) for row in rows.mappings()]


async def list_granted(
    connection: AsyncConnection, *, after: ClientId, limit: int
) -> list[GrantedClient]:
    """List the same with what each may ask for."""
    clients = await list_clients(connection, after=after, limit=limit)
    grants: dict[str, dict[str, list[str]]] = {each.client_id: {} for each in clients}
    found = await connection.execute(
        select(client_grant)
        .where(client_grant.c.client_id.in_(grants))
        .order_by(client_grant.c.api)
    )
    for row in found:
        grants[row.client_id][row.api] = row.scopes
    return [GrantedClient(client=each, grants=grants[each.client_id]) for each in clients]


async def get_client(connection: AsyncConnection, client_id: ClientId) -> ClientDetails | None:
    found = await connection.execute(select(client).where(client.c.client_id == client_id))
    row = found.mappings().first()
    if row is None:
        return None
    grants = await connection.execute(
        select(client_grant.c.api, client_grant.c.scopes)
        .where(client_grant.c.client_id == client_id)
        .order_by(client_grant.c.api)
    )
    return ClientDetails(
        client=msgspec.convert(row, ClientRow),
        grants={each.api: each.scopes for each in grants},
        secrets=await list_secrets(connection, client_id),
    )


async def set_enabled(
    connection: AsyncConnection,
    client_id: ClientId,
    enabled: bool,  # noqa: FBT001 - the column's new value
) -> bool:
    """Set it; False when there is no such client."""
    found = await connection.execute(
        update(client)
        .where(client.c.client_id == client_id)
        .values(enabled=enabled)
        .returning(client.c.client_id)
    )
    return found.first() is not None


async def delete_client(connection: AsyncConnection, client_id: ClientId) -> bool:
    """Delete it with its secrets and grants; False when there is no such client."""
    found = await connection.execute(
        delete(client).where(client.c.client_id == client_id).returning(client.c.client_id)
    )
    return found.first() is not None


async def revoke_tokens_of_client(
    connection: AsyncConnection, tenant: TenantId, client_id: ClientId
) -> None:
    """Refuse every token that the client has been issued until now."""
    await refuse_until_now(connection, tenant, "client", client_id)


async def oldest_client(connection: AsyncConnection) -> ClientId | None:
    found = await connection.scalar(
        select(client.c.client_id).order_by(client.c.created_at, client.c.client_id).limit(1)
    )
    return None if found is None else ClientId(found)
