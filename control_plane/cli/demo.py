"""The demo of `auth-service dev`: made once, and the same at every later start.

A tenant with an API and a client, and a person who signs in to the console. All of it belongs to
the operator's account, whose plan has no limits, so that the console shows what the commands make.
"""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from control_plane.apis.actions import create_api, list_apis
from control_plane.apis.rules import NewApi
from control_plane.cli.settings import write_secret_file
from control_plane.clients.actions import UnknownClient, register_client, show_client
from control_plane.clients.rules import NewClient
from control_plane.management.actions import ensure_system_tenant
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.passwords import digest
from control_plane.people.repository import add_person, change_person, find_by_email
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.tenants.actions import NewTenant, create_tenant, show_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.management import OPERATOR
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_FILE = "demo.json"
_SLUG = "demo"
_AUDIENCE = "https://api.demo.example"
_EMAIL = "demo@demo.example"


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What `dev` prints; the secrets are kept in a file of the owner's, to be printed again."""

    slug: str
    audience: str
    client_id: ClientId
    client_secret: str
    console_email: str = ""  # empty in a file from before the console
    console_password: str = ""

    def __repr__(self) -> str:
        return f"Demo({self.client_id!r})"


def read_demo(data_dir: Path) -> Demo | None:
    try:
        return msgspec.json.decode((data_dir / _FILE).read_bytes(), type=Demo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def ensure_demo(config: Config, data_dir: Path) -> Demo:
    """Find the built-in tenant and all of the demo, or make what is missing."""
    database = Database(config.database_url, config.audit_keys)
    held = read_demo(data_dir)
    try:
        await ensure_system_tenant(database, config)
        found = await _ensure_client(database, config, held)
        found = await _ensure_person(database, found)
    finally:
        await database.close()
    if found != held:
        write_secret_file(data_dir / _FILE, msgspec.json.encode(found).decode())
    return found


async def _ensure_client(database: Database, config: Config, held: Demo | None) -> Demo:
    sealer = Sealer(config.master_keys)
    tenant = await _tenant(database, sealer)
    if held is not None and await _is_there(database, tenant, held):
        return held
    await _api(database, sealer, tenant, config.token_ttl)
    new = NewClient(name="my-first-service", apis=(_AUDIENCE,))
    client = await register_client(database, config.secret_peppers, tenant, new)
    return Demo(
        slug=_SLUG,
        audience=_AUDIENCE,
        client_id=client.client_id,
        client_secret=client.client_secret,
        console_email="" if held is None else held.console_email,
        console_password="" if held is None else held.console_password,
    )


async def _ensure_person(database: Database, demo: Demo) -> Demo:
    """Find the person whose password is kept, or make them, or give them another password."""
    async with database.control() as connection:
        found = await find_by_email(connection, _EMAIL)
    if found is not None and demo.console_password:
        return demo
    password = secrets.token_urlsafe(12)
    password_hash = digest(password)  # in no thread of its own: `dev` forks next
    async with database.control() as connection:
        if found is None:
            person_id = f"p_{secrets.token_hex(8)}"
            await add_person(connection, person_id, _EMAIL, password_hash)
            await change_person(connection, person_id, verified_at=datetime.now(UTC))
            await add_member(connection, OPERATOR, person_id, Role.OWNER)
        else:
            await change_person(connection, found.id, password_hash=password_hash)
    return msgspec.structs.replace(demo, console_email=_EMAIL, console_password=password)


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
