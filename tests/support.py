"""What the tests share: an installation on a real PostgreSQL, and tenants to ask tokens of."""

import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from urllib.parse import urlencode

import httpx
import msgspec
from sqlalchemy import delete, update

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import RegisteredClient, register_client
from control_plane.clients.rules import NewClient
from control_plane.publishing.snapshots import edit_tenant
from control_plane.tenants.actions import Generate, NewTenant, create_tenant
from shared.domain.client import AuthMethod, TokenProfile
from shared.domain.ids import ClientId, TenantId
from shared.domain.jwk import Algorithm
from shared.domain.management import OPERATOR
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from shared.runtime.tables import tenant as tables
from tests.keys import some_key

_PATIENCE = 60.0  # seconds
PEPPER = "cGVwcGVyLXBlcHBlci1wZXBwZXItcGVwcGVyLXBlcHA"
MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q"


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A migrated database of its own, with the URL of each login."""

    owner_url: str
    control_url: str
    data_url: str
    support_url: str = ""

    def environment(self, public_url: str = "http://127.0.0.1:1") -> dict[str, str]:
        """The environment of the control plane's processes."""
        return {
            "DATABASE_URL": self.control_url,
            "MASTER_KEY": MASTER_KEY,
            "SECRET_PEPPER": PEPPER,
            "PUBLIC_URL": public_url,
        }


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A running data plane: real processes, more than one worker."""

    url: str
    pid: int
    installation: Installation


class MadeTenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant with one API and one client that may ask for it."""

    tenant_id: TenantId
    slug: str
    issuer: str
    audience: str
    client: RegisteredClient

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth/token"

    @property
    def basic(self) -> tuple[str, str]:
        return self.client.client_id, self.client.client_secret


AUDIT_KEYS = read_config(
    Installation(owner_url="", control_url="postgresql://", data_url="").environment()
).audit_keys


def new_slug(prefix: str = "acme") -> str:
    return f"{prefix}-{token_hex(5)}"


async def make_tenant(
    database: Database,
    config: Config,
    *,
    slug: str | None = None,
    algorithm: Algorithm = Algorithm.ES256,
    profile: TokenProfile = TokenProfile.AT_JWT,
    account: str = OPERATOR,
    generate: Generate = some_key,
) -> MadeTenant:
    """Make a tenant whose API has the scopes `read` and `write`, with a client granted both."""
    slug = slug or new_slug()
    audience = f"https://api.{slug}.example"
    sealer = Sealer(config.master_keys)
    new_tenant = NewTenant(slug=slug, name=slug, account=account)
    tenant_id = await create_tenant(database, sealer, new_tenant, generate)
    new = NewApi(
        identifier=audience,
        name="Things",
        scopes={"read": "", "write": ""},
        token_lifetime=3600,
        algorithm=algorithm,
        profile=profile,
    )
    await create_api(database, sealer, tenant_id, new)
    client = await register_client(
        database, config.secret_peppers, tenant_id, NewClient(name="first", apis=(audience,))
    )
    return MadeTenant(
        tenant_id=tenant_id,
        slug=slug,
        issuer=f"{config.public_url}/t/{slug}",
        audience=audience,
        client=client,
    )


def basic_header(client_id: str, client_secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()}


async def ask_token(
    http: httpx.AsyncClient, tenant: MadeTenant, **parameters: str
) -> httpx.Response:
    form = {"grant_type": "client_credentials"} | parameters
    return await http.post(tenant.token_endpoint, data=form, auth=tenant.basic)


async def issued_token(http: httpx.AsyncClient, tenant: MadeTenant) -> str:
    """Give a token, where getting one is not what is tested: a busy machine may answer 503."""
    end = time.monotonic() + _PATIENCE
    while (answer := await ask_token(http, tenant)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert time.monotonic() < end, answer.text
    return str(answer.json()["access_token"])


async def introspect(http: httpx.AsyncClient, tenant: MadeTenant, token: str) -> httpx.Response:
    return await http.post(
        f"{tenant.issuer}/oauth/introspect", data={"token": token}, auth=tenant.basic
    )


async def post_raw(
    http: httpx.AsyncClient, url: str, body: str | bytes | dict[str, str], **headers: str
) -> httpx.Response:
    """Post bytes as they are, with the form's content type unless another is given."""
    content = urlencode(body) if isinstance(body, dict) else body
    given = {"Content-Type": "application/x-www-form-urlencoded"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(url, content=content, headers=given)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, AUDIT_KEYS)
    try:
        yield database
    finally:
        await database.close()


async def prove_by_workload(database: Database, tenant: TenantId, client_id: ClientId) -> None:
    """Have the client prove itself by a JWT of an outside issuer, and by no secret."""
    found, secrets = tables.client, tables.client_secret
    async with edit_tenant(database, tenant) as connection:
        await connection.execute(
            update(found)
            .where(found.c.client_id == client_id)
            .values(auth_method=AuthMethod.WORKLOAD_IDENTITY)
        )
        await connection.execute(delete(secrets).where(secrets.c.client_id == client_id))
