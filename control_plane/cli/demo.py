"""The demo tenant of `auth-service dev`: made once, and the same at every later start."""

from pathlib import Path

import msgspec

from control_plane.apis.actions import create_api, list_apis
from control_plane.apis.rules import NewApi
from control_plane.cli.settings import write_secret_file
from control_plane.clients.actions import UnknownClient, register_client, show_client
from control_plane.clients.rules import NewClient
from control_plane.management.actions import ensure_system_tenant
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.tenants.actions import NewTenant, create_tenant, show_tenant
from shared.domain.ids import ClientId, TenantId
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_FILE = "demo.json"
_SLUG = "demo"
_AUDIENCE = "https://api.demo.example"


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What `dev` prints; the secret is kept in a file of the owner's, so that it can be again."""

    slug: str
    audience: str
    client_id: ClientId
    client_secret: str


def read_demo(data_dir: Path) -> Demo | None:
    try:
        return msgspec.json.decode((data_dir / _FILE).read_bytes(), type=Demo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def ensure_demo(config: Config, data_dir: Path) -> Demo:
    """Find the built-in tenant, and the demo's with its API and client, or make what is missing."""
    database = Database(config.database_url, config.audit_keys)
    sealer = Sealer(config.master_keys)
    try:
        await ensure_system_tenant(database, config)
        tenant = await _tenant(database, sealer)
        held = read_demo(data_dir)
        if held is not None and await _is_there(database, tenant, held):
            return held
        await _api(database, sealer, tenant, config.token_ttl)
        new = NewClient(name="my-first-service", apis=(_AUDIENCE,))
        client = await register_client(database, config.secret_peppers, tenant, new)
    finally:
        await database.close()
    made = Demo(
        slug=_SLUG,
        audience=_AUDIENCE,
        client_id=client.client_id,
        client_secret=client.client_secret,
    )
    write_secret_file(data_dir / _FILE, msgspec.json.encode(made).decode())
    return made


async def _tenant(database: Database, sealer: Sealer) -> TenantId:
    try:
        return (await show_tenant(database, _SLUG)).id
    except UnknownTenant:
        return await create_tenant(database, sealer, NewTenant(slug=_SLUG, name="Demo"))


async def _api(database: Database, sealer: Sealer, tenant: TenantId, lifetime: int) -> None:
    if _AUDIENCE in {api.identifier for api in await list_apis(database, tenant)}:
        return
    scopes = {"read": "Read things", "write": "Change things"}
    new = NewApi(identifier=_AUDIENCE, name="Demo API", scopes=scopes, token_lifetime=lifetime)
    await create_api(database, sealer, tenant, new)


async def _is_there(database: Database, tenant: TenantId, demo: Demo) -> bool:
    try:
        await show_client(database, tenant, demo.client_id)
    except UnknownClient:
        return False
    return True
