"""Registering a client and changing it, one transaction for each verb.

Each raises UnknownTenant, UnknownClient or InvalidClientMetadata.
"""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted, differing, facts_of
from control_plane.clients import repository
from control_plane.clients.listing import ListedClient, Wanted, page_of_clients
from control_plane.clients.repository import ClientDetails, ClientRow, GrantedClient
from control_plane.clients.rules import (
    ClientChange,
    ClientKeys,
    NewClient,
    check_change,
    check_keys,
    check_new_client,
    check_not_ours,
    grants_for,
    keys_after,
)
from control_plane.http.paging import SIZE, Listed
from control_plane.keys.repository import list_keys
from control_plane.limits.actions import take_room
from control_plane.limits.rules import Limited
from control_plane.publishing.snapshots import edit_tenant
from control_plane.secrets.repository import add_secret, list_secrets, remove_secrets
from control_plane.secrets.rules import FIRST, AskedSecret
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId, TenantId
from shared.domain.outbound_url import Network, check_outbound_url
from shared.domain.refused import Refused
from shared.domain.static_claims import check_static_claims
from shared.runtime.config import Key
from shared.runtime.database import Database, tenant_of
from shared.runtime.secrets import make_client_id, make_client_secret


class UnknownClient(Refused):
    """The tenant has no such client."""


_UNKNOWN = "the tenant has no such client"


class RegisteredClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    client_id: ClientId
    client_secret: str = ""  # shown once; empty for a client that proves itself without


async def register_client(
    database: Database,
    peppers: tuple[Key, ...],
    tenant: TenantId,
    new: NewClient,
    networks: tuple[Network, ...] = (),
    by: Actor = BY_OPERATOR,
) -> RegisteredClient:
    """Register a client; `networks` are the private ones that its key set may be in.

    Raises LimitReached too.
    """
    claims = _check_new(new, networks)
    async with edit_tenant(database, tenant) as connection:
        return await _register(connection, peppers, new, claims, by)


async def register_first_client(
    database: Database, peppers: tuple[Key, ...], tenant: TenantId, new: NewClient, by: Actor
) -> RegisteredClient | None:
    """Register it where the tenant has no client yet, else give None: it may be asked for twice."""
    claims = _check_new(new, ())
    async with edit_tenant(database, tenant) as connection:
        if await repository.oldest_client(connection) is not None:
            return None
        return await _register(connection, peppers, new, claims, by)


async def first_client(database: Database, tenant: TenantId) -> ClientId | None:
    """Name the client that the tenant has had the longest."""
    async with database.tenant(tenant) as connection:
        return await repository.oldest_client(connection)


async def change_client(
    database: Database,
    tenant: TenantId,
    client_id: ClientId,
    change: ClientChange,
    networks: tuple[Network, ...] = (),
    by: Actor = BY_OPERATOR,
) -> ClientDetails:
    """Change a client. Its tokens live on as they were issued."""
    check_change(change)
    claims = None if change.claims is None else check_static_claims(change.claims)
    _check_uri(change.keys, networks)
    async with edit_tenant(database, tenant) as connection:
        held = await repository.get_client(connection, client_id)
        if held is None:
            raise UnknownClient(_UNKNOWN)
        keys = keys_after(held.client.keys, change)
        if keys is not None:
            check_keys(held.client.auth_method, keys)
            check_not_ours(keys, [key.kid for key in await list_keys(connection)])
            change = msgspec.structs.replace(change, keys=keys)
        named = (*(change.apis or ()), *(change.serves or ()))
        scopes = await repository.scopes_of_apis(connection, named)
        grants = grants_for(change, scopes)
        await repository.set_client(connection, client_id, change, claims)
        if change.apis is not None:
            await repository.set_grants(connection, client_id, grants)
        await _record_change(connection, client_id, by, "client.change", held)
    return await show_client(database, tenant, client_id)


def _check_new(new: NewClient, networks: tuple[Network, ...]) -> bytes:
    """Give its static claims."""
    check_new_client(new)
    _check_uri(new.keys, networks)
    return check_static_claims(new.claims)


async def _register(
    connection: AsyncConnection,
    peppers: tuple[Key, ...],
    new: NewClient,
    claims: bytes,
    by: Actor,
) -> RegisteredClient:
    await take_room(connection, tenant_of(connection), Limited.CLIENTS)
    client_id = make_client_id()
    has_secret = new.auth_method is AuthMethod.CLIENT_SECRET
    secret = make_client_secret(peppers) if has_secret else None
    scopes = await repository.scopes_of_apis(connection, (*new.apis, *new.serves))
    check_not_ours(new.keys, [key.kid for key in await list_keys(connection)])
    await repository.add_client(connection, client_id, new, grants_for(new, scopes), claims)
    if secret is not None:
        first = AskedSecret(name=FIRST, created_by=by.name)
        await add_secret(connection, client_id, secret, first)
    await _record_change(connection, client_id, by, "client.register")
    return RegisteredClient(client_id=client_id, client_secret=secret.text if secret else "")


def _check_uri(keys: ClientKeys | None, networks: tuple[Network, ...]) -> None:
    if keys is not None and keys.jwks_uri is not None:
        check_outbound_url(keys.jwks_uri, networks)


async def _record_change(
    connection: AsyncConnection,
    client_id: ClientId,
    by: Actor,
    action: str,
    held: ClientDetails | None = None,
) -> None:
    """Record what of the client is not as it was held."""
    found = await repository.get_client(connection, client_id)
    before, after = differing(_facts_of(held), _facts_of(found))
    noted = Noted(action, f"client {client_id}", before if held else None, after)
    await record(connection, by, noted)


async def disable_client(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> None:
    """Refuse the client and every token it holds. Enabling it revives no token."""
    async with edit_tenant(database, tenant) as connection:
        if not await repository.set_enabled(connection, client_id, enabled=False):
            raise UnknownClient(_UNKNOWN)
        await repository.revoke_tokens_of_client(connection, tenant, client_id)
        await record(connection, by, Noted("client.disable", f"client {client_id}"))


async def enable_client(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> None:
    async with edit_tenant(database, tenant) as connection:
        if not await repository.set_enabled(connection, client_id, enabled=True):
            raise UnknownClient(_UNKNOWN)
        await record(connection, by, Noted("client.enable", f"client {client_id}"))


async def delete_client(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> None:
    """Delete the client and refuse every token it holds."""
    async with edit_tenant(database, tenant) as connection:
        held = await remove_client(connection, client_id)
        noted = Noted("client.delete", f"client {client_id}", before=_facts_of(held))
        await record(connection, by, noted)


async def remove_client(connection: AsyncConnection, client_id: ClientId) -> ClientDetails:
    """Delete it in the tenant's transaction, which records it as what it was; give what it was.

    Raises UnknownClient.
    """
    held = await repository.get_client(connection, client_id)
    if held is None:
        raise UnknownClient(_UNKNOWN)
    names = [each.name for each in await list_secrets(connection, client_id)]
    await remove_secrets(connection, client_id, names)
    await repository.delete_client(connection, client_id)
    await repository.revoke_tokens_of_client(connection, tenant_of(connection), client_id)
    return held


async def revoke_tokens(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> None:
    """Refuse every token that the client has been issued until now; it may ask for others."""
    async with edit_tenant(database, tenant) as connection:
        if await repository.get_client(connection, client_id) is None:
            raise UnknownClient(_UNKNOWN)
        await repository.revoke_tokens_of_client(connection, tenant, client_id)
        await record(connection, by, Noted("client.revoke_tokens", f"client {client_id}"))


async def show_client(database: Database, tenant: TenantId, client_id: ClientId) -> ClientDetails:
    async with database.tenant(tenant) as connection:
        found = await repository.get_client(connection, client_id)
    if found is None:
        raise UnknownClient(_UNKNOWN)
    return found


async def list_clients(
    database: Database, tenant: TenantId, *, after: ClientId, limit: int
) -> list[ClientRow]:
    async with database.tenant(tenant) as connection:
        return await repository.list_clients(connection, after=after, limit=limit)


async def list_granted(
    database: Database, tenant: TenantId, *, after: ClientId, limit: int
) -> list[GrantedClient]:
    async with database.tenant(tenant) as connection:
        return await repository.list_granted(connection, after=after, limit=limit)


def _facts_of(details: ClientDetails | None) -> dict[str, Any]:
    """Give what the audit log says of a client; its secrets have events of their own."""
    if details is None:
        return {}
    return facts_of(details.client) | {"grants": details.grants}


async def list_client_page(
    database: Database, tenant: TenantId, wanted: Wanted, number: int
) -> Listed[ListedClient]:
    async with database.tenant(tenant) as connection:
        rows, total = await page_of_clients(
            connection, wanted, offset=(number - 1) * SIZE, limit=SIZE
        )
    return Listed(rows=rows, total=total, number=number)
