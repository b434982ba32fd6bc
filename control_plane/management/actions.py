"""The built-in tenant, whose API is our own, and accounts' API keys, which are its clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.actions import show_account
from control_plane.apis.actions import list_apis
from control_plane.apis.repository import add_api
from control_plane.audit.actions import record, record_of_account
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted, facts_of
from control_plane.clients import repository as clients
from control_plane.clients.actions import remove_client
from control_plane.clients.rules import grants_for
from control_plane.management import repository
from control_plane.management.rules import (
    ApiKey,
    ApiKeyRefused,
    NewApiKey,
    check_new_key,
    check_room,
    client_of,
    management_api,
)
from control_plane.publishing.snapshots import UnknownTenant, edit_tenant
from control_plane.secrets.repository import add_secret
from control_plane.secrets.rules import FIRST, AskedSecret
from control_plane.tenants.actions import NewTenant, SlugTaken, provision_tenant, show_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.management import OPERATOR, SYSTEM_SLUG, KeyClaims
from shared.runtime.config import Config
from shared.runtime.database import Database, become_login
from shared.runtime.sealing import Sealer
from shared.runtime.secrets import make_client_id, make_client_secret

_NO_TENANT = "the account has no tenant {}"


class MadeApiKey(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    client_secret: str  # shown once


async def ensure_system_tenant(database: Database, config: Config) -> TenantId:
    """Find the built-in tenant and its API, or make what is missing; several may try at once."""
    tenant = await _ensure_tenant(database, Sealer(config.master_keys))
    api = management_api(config.console_url)
    if api.identifier not in {each.identifier for each in await list_apis(database, tenant)}:
        async with edit_tenant(database, tenant) as connection:
            await add_api(connection, api)  # False: another was first, with the same
    return tenant


async def create_api_key(
    database: Database, config: Config, new: NewApiKey, by: Actor = BY_OPERATOR
) -> MadeApiKey:
    """Make a client of the built-in tenant that acts for the account, and only for it.

    Raises UnknownAccount or ApiKeyRefused.
    """
    check_new_key(new)
    await show_account(database, new.account)
    await _check_tenants(database, new)
    tenant = await ensure_system_tenant(database, config)
    asked = client_of(new, config.console_url)
    claims = msgspec.json.encode(KeyClaims(account=new.account, tenants=new.tenants))
    client_id, secret = make_client_id(), make_client_secret(config.secret_peppers)
    async with edit_tenant(database, tenant) as connection:
        check_room(new.account, await repository.count_api_keys(connection, new.account))
        scopes = await clients.scopes_of_apis(connection, asked.apis)
        await clients.add_client(connection, client_id, asked, grants_for(asked, scopes), claims)
        kept = AskedSecret(name=FIRST, expires_in=new.expires_in, created_by=by.name)
        await add_secret(connection, client_id, secret, kept)
        after = facts_of(new) | {"scopes": sorted(new.scopes)}
        noted = Noted("api_key.create", f"API key {client_id}", after=after)
        await _record(connection, new.account, by, noted)
    return MadeApiKey(client_id=client_id, client_secret=secret.text)


async def list_api_keys(database: Database, *, after: ClientId, limit: int) -> list[ApiKey]:
    """List those of all accounts by client_id."""
    async with _system(database) as connection:
        if connection is None:
            return []
        return await repository.list_api_keys(connection, after=after, limit=limit)


async def api_keys_of(database: Database, account_id: str) -> list[ApiKey]:
    """List an account's, the newest first."""
    async with _system(database) as connection:
        return [] if connection is None else await repository.api_keys_of(connection, account_id)


async def find_api_key(database: Database, account_id: str, client_id: ClientId) -> ApiKey | None:
    """Find a key of the account; another's is as one that is not there."""
    async with _system(database) as connection:
        if connection is None:
            return None
        found = await repository.find_api_key(connection, client_id)
    return found if found is not None and found.account == account_id else None


async def revoke_api_key(database: Database, client_id: ClientId, by: Actor = BY_OPERATOR) -> None:
    """Delete the key and refuse every token it holds. Raises UnknownTenant or UnknownClient."""
    tenant = await show_tenant(database, SYSTEM_SLUG)
    async with edit_tenant(database, tenant.id) as connection:
        held = await repository.find_api_key(connection, client_id)
        await remove_client(connection, client_id)
        before = {} if held is None else {"name": held.name, "scopes": held.scopes}
        noted = Noted("api_key.revoke", f"API key {client_id}", before=before)
        await _record(connection, OPERATOR if held is None else held.account, by, noted)


async def _check_tenants(database: Database, new: NewApiKey) -> None:
    """Raises ApiKeyRefused where one is none of the account's."""
    for slug in new.tenants:
        try:
            found = await show_tenant(database, slug)
        except UnknownTenant:
            raise ApiKeyRefused(_NO_TENANT.format(slug)) from None
        if new.account not in {found.account_id, OPERATOR}:
            raise ApiKeyRefused(_NO_TENANT.format(slug))


async def _record(connection: AsyncConnection, account_id: str, by: Actor, noted: Noted) -> None:
    """Record it in the built-in tenant's log, and in that of the account whose key it is."""
    await record(connection, by, noted)
    await become_login(connection)
    await record_of_account(connection, account_id, by, noted)


@asynccontextmanager
async def _system(database: Database) -> AsyncIterator[AsyncConnection | None]:
    """One transaction of the built-in tenant; None where there is none yet, and so no key."""
    try:
        tenant = await show_tenant(database, SYSTEM_SLUG)
    except UnknownTenant:
        yield None
        return
    async with database.tenant(tenant.id) as connection:
        yield connection


async def _ensure_tenant(database: Database, sealer: Sealer) -> TenantId:
    try:
        return (await show_tenant(database, SYSTEM_SLUG)).id
    except UnknownTenant:
        pass
    try:
        new = NewTenant(slug=SYSTEM_SLUG, name="Built-in")
        return await provision_tenant(database, sealer, new)
    except SlugTaken:  # another has made it meanwhile
        return (await show_tenant(database, SYSTEM_SLUG)).id
