"""Tenants by the thousand, made by the product's own functions; and how long one takes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from secrets import token_hex

import msgspec

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.benchmark.generator import quantile
from control_plane.clients.actions import RegisteredClient, register_client
from control_plane.clients.rules import NewClient
from control_plane.keys.stock import KeyStock
from control_plane.tenants.actions import NewTenant, create_tenant, resume_tenant, suspend_tenant
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_AT_ONCE = 2
_BATCH = 500  # tenants, then new connections: each schema that one makes stays in its memory
_STOCK = 2  # keys
_PATIENCE = 30.0  # seconds for a key to lie ready

Progress = Callable[[int], None]  # tenants made
Generate = Callable[[Algorithm], PrivateKey]


class MadeTenant(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    tenant_id: TenantId
    client: RegisteredClient

    @property
    def path(self) -> str:
        return f"/t/{self.slug}"


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, of tenants that were made one at a time."""

    count: int
    p50: float
    p95: float
    with_client_p50: float  # and its API, and a client
    with_client_p95: float
    without_stock_p50: float  # of others, whose RSA key was made meanwhile
    without_stock_p95: float


class Factory:
    """The control plane of an installation, within one event loop."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._peppers = config.secret_peppers
        self._sealer = Sealer(config.master_keys)

    async def tenant(self, slug: str, generate: Generate = generate_private_key) -> TenantId:
        new = NewTenant(slug=slug, name=slug)
        return await create_tenant(self._database, self._sealer, new, generate)

    async def client(self, slug: str, tenant: TenantId) -> MadeTenant:
        """Make the tenant's API, and a client that may ask for it."""
        audience = f"https://api.{slug}.example"
        scopes = {"read": "", "write": ""}
        api = NewApi(identifier=audience, name="Things", scopes=scopes, token_lifetime=3600)
        await create_api(self._database, self._sealer, tenant, api)
        new = NewClient(name="first", apis=(audience,))
        client = await register_client(self._database, self._peppers, tenant, new)
        return MadeTenant(slug=slug, tenant_id=tenant, client=client)

    async def suspend(self, slug: str) -> None:
        await suspend_tenant(self._database, slug)

    async def resume(self, slug: str) -> None:
        await resume_tenant(self._database, slug)


@asynccontextmanager
async def factory(config: Config) -> AsyncIterator[Factory]:
    database = Database(config.database_url, config.audit_keys)
    try:
        yield Factory(database, config)
    finally:
        await database.close()


async def make_tenants(config: Config, count: int, progress: Progress) -> list[MadeTenant]:
    """Make so many, each with an API and a client, two at once."""
    made: list[MadeTenant] = []
    while len(made) < count:
        async with factory(config) as works:
            made += await _make_batch(works, min(_BATCH, count - len(made)))
        progress(len(made))
    return made


async def _make_batch(works: Factory, count: int) -> list[MadeTenant]:
    """All tenants first, then what they have.

    PostgreSQL looks at all tenants' roles when one is taken for the first time after one was made.
    """
    slugs = [f"bench-{token_hex(5)}" for _ in range(count)]
    ids: dict[str, TenantId] = {}
    made: list[MadeTenant] = []

    async def make_tenant(waiting: Iterator[str]) -> None:
        for slug in waiting:
            ids[slug] = await works.tenant(slug)

    async def make_client(waiting: Iterator[tuple[str, TenantId]]) -> None:
        for slug, tenant in waiting:
            made.append(await works.client(slug, tenant))

    tenants = iter(slugs)
    await asyncio.gather(*(make_tenant(tenants) for _ in range(_AT_ONCE)))
    clients = iter(ids.items())
    await asyncio.gather(*(make_client(clients) for _ in range(_AT_ONCE)))
    return made


async def measure_provisioning(config: Config, count: int) -> tuple[list[MadeTenant], Provisioning]:
    """Make tenants one at a time, with their RSA keys from a stock and without.

    A process that lives long has keys lying ready (control_plane/keys/stock.py), and between two
    tenants the time to make the next.
    """
    made: list[MadeTenant] = []
    alone: list[float] = []
    whole: list[float] = []
    without: list[float] = []
    with KeyStock(_STOCK).kept() as stock:
        async with factory(config) as works:
            await works.tenant(f"bench-{token_hex(5)}")  # connects, and renders the tables' script
            for _ in range(count):
                await asyncio.to_thread(_wait_until_full, stock)
                slug, began = f"bench-{token_hex(5)}", time.perf_counter()
                tenant = await works.tenant(slug, stock.take)
                alone.append(time.perf_counter() - began)
                made.append(await works.client(slug, tenant))
                whole.append(time.perf_counter() - began)
    async with factory(config) as works:
        await works.tenant(f"bench-{token_hex(5)}")
        for _ in range(count):
            began = time.perf_counter()
            await works.tenant(f"bench-{token_hex(5)}")
            without.append(time.perf_counter() - began)
    return made, Provisioning(
        count=count,
        p50=_milliseconds(alone, 0.50),
        p95=_milliseconds(alone, 0.95),
        with_client_p50=_milliseconds(whole, 0.50),
        with_client_p95=_milliseconds(whole, 0.95),
        without_stock_p50=_milliseconds(without, 0.50),
        without_stock_p95=_milliseconds(without, 0.95),
    )


def _wait_until_full(stock: KeyStock) -> None:
    end = time.monotonic() + _PATIENCE
    while len(stock) < _STOCK and time.monotonic() < end:
        time.sleep(0.005)


def _milliseconds(seconds: list[float], part: float) -> float:
    return quantile(sorted(seconds), part) * 1000
