"""An account with a tenant, an API and a client, and programs that hold API keys of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from control_plane.management.actions import create_api_key
from control_plane.management.rules import NewApiKey
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.management import MANAGEMENT_SCOPES, management_audience
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import CONSOLE_URL, Console, make_account
from tests.management import Forge, Forgery, bearer, forger
from tests.support import Installation, new_slug

ALL = " ".join(MANAGEMENT_SCOPES)


class Program(httpx.AsyncClient):
    """What holds an API key: it sends its token with each request to the API."""

    def __init__(self, console: Console, token: str) -> None:
        application: Any = console.application
        super().__init__(
            transport=httpx.ASGITransport(application),
            base_url=f"{CONSOLE_URL}/api/v1",
            headers=bearer(token),
        )


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    console: Console
    database: Database
    forge: Forge
    account: str
    slug: str
    tenant: TenantId
    audience: str  # of the tenant's API
    client_id: ClientId

    @property
    def path(self) -> str:
        return f"/tenants/{self.slug}"

    async def key(self, scopes: str = ALL, **values: Any) -> ClientId:
        """Make an API key of the account."""
        given: Mapping[str, Any] = {"account": self.account, "name": "test"} | values
        new = NewApiKey(scopes=frozenset(scopes.split()), **given)
        return (await create_api_key(self.database, self.console.config, new)).client_id

    def token(self, key: ClientId, scopes: str = ALL, **values: Any) -> str:
        audience = management_audience(CONSOLE_URL)
        asked = {"client_id": key, "audience": audience, "scope": scopes} | values
        return self.forge(Forgery(**asked))

    @asynccontextmanager
    async def program(self, scopes: str = ALL, **values: Any) -> AsyncIterator[Program]:
        token = self.token(await self.key(scopes, **values), scopes)
        async with Program(self.console, token) as program:
            yield program


async def make_scene(console: Console, database: Database, sealer: Sealer, forge: Forge) -> Scene:
    account, slug = await make_account(database, PlanName.GROWTH), new_slug()
    tenant = await create_tenant(database, sealer, NewTenant(slug=slug, name="A", account=account))
    audience = f"https://api.{slug}.example"
    api = NewApi(identifier=audience, name="A", scopes={"read": "", "write": ""}, token_lifetime=60)
    await create_api(database, sealer, tenant, api)
    new = NewClient(name=f"first {token_hex(4)}", apis=(audience,))
    made = await register_client(database, console.config.secret_peppers, tenant, new)
    return Scene(
        console=console,
        database=database,
        forge=forge,
        account=account,
        slug=slug,
        tenant=tenant,
        audience=audience,
        client_id=made.client_id,
    )


@pytest.fixture
async def forge(
    console: Console, database: Database, installation: Installation
) -> AsyncIterator[Forge]:
    new = NewApiKey(account="operator", name="first", scopes=frozenset({"read:tenants"}))
    await create_api_key(database, console.config, new)  # so that the built-in tenant is there
    async with forger(installation, console.config) as forging:
        yield forging


@pytest.fixture
async def scene(
    console: Console,
    database: Database,
    sealer: Sealer,
    forge: Forge,
    quick_keys: None,  # noqa: ARG001 - it acts by being there
) -> Scene:
    return await make_scene(console, database, sealer, forge)


@pytest.fixture
async def program(scene: Scene) -> AsyncIterator[Program]:
    async with scene.program() as program:
        yield program
