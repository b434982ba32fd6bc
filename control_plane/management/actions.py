"""The built-in tenant, whose API is our own, and accounts' API keys, which are its clients."""

import msgspec

from control_plane.accounts.actions import show_account
from control_plane.apis.actions import list_apis
from control_plane.apis.repository import add_api
from control_plane.audit.actions import record, record_of_account
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted
from control_plane.clients import repository as clients
from control_plane.clients.actions import delete_client
from control_plane.clients.rules import check_new_client, grants_for
from control_plane.management import repository
from control_plane.management.repository import ApiKeyRow
from control_plane.management.rules import management_api, new_key
from control_plane.publishing.snapshots import UnknownTenant, edit_tenant
from control_plane.secrets.repository import add_secret
from control_plane.secrets.rules import FIRST, AskedSecret
from control_plane.tenants.actions import NewTenant, SlugTaken, provision_tenant, show_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.management import SYSTEM_SLUG, KeyClaims
from shared.domain.scope import Scope
from shared.runtime.config import Config
from shared.runtime.database import Database, become_login
from shared.runtime.sealing import Sealer
from shared.runtime.secrets import make_client_id, make_client_secret


class NewApiKey(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    name: str
    scopes: Scope


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

    Raises UnknownAccount or InvalidClientMetadata.
    """
    asked = new_key(new.name, new.scopes, config.console_url)
    check_new_client(asked)
    await show_account(database, new.account)
    tenant = await ensure_system_tenant(database, config)
    account = msgspec.json.encode(KeyClaims(account=new.account))
    client_id, secret = make_client_id(), make_client_secret(config.secret_peppers)
    async with edit_tenant(database, tenant) as connection:
        scopes = await clients.scopes_of_apis(connection, asked.apis)
        grants = grants_for(asked, scopes)
        await clients.add_client(connection, client_id, asked, grants, account)
        await add_secret(connection, client_id, secret, AskedSecret(name=FIRST))
        after = {"name": new.name, "scopes": sorted(new.scopes)}
        noted = Noted("api_key.create", f"API key {client_id}", after=after)
        await record(connection, by, noted)
        await become_login(connection)
        await record_of_account(connection, new.account, by, noted)
    return MadeApiKey(client_id=client_id, client_secret=secret.text)


async def list_api_keys(database: Database, *, after: ClientId, limit: int) -> list[ApiKeyRow]:
    try:
        tenant = await show_tenant(database, SYSTEM_SLUG)
    except UnknownTenant:
        return []
    async with database.tenant(tenant.id) as connection:
        return await repository.list_api_keys(connection, after=after, limit=limit)


async def revoke_api_key(database: Database, client_id: ClientId, by: Actor = BY_OPERATOR) -> None:
    """Delete the key and refuse every token it holds. Raises UnknownTenant or UnknownClient."""
    tenant = await show_tenant(database, SYSTEM_SLUG)
    await delete_client(database, tenant.id, client_id, by)


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
