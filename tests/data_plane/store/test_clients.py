"""Clients found by the outside issuer of their workload rules, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from control_plane.clients.actions import disable_client, enable_client, register_client
from control_plane.clients.rules import NewClient
from control_plane.workloads.actions import add_workload, remove_workload
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from data_plane.store import pool as product
from data_plane.store.clients import StoredClients
from data_plane.store.pool import Connection, Pool
from data_plane.store.snapshots import StoredSnapshots
from shared.domain.ids import ClientId, TenantId
from shared.domain.workload import WorkloadRule
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from tests.support import Installation, MadeTenant, make_tenant, prove_by_workload

_OUTSIDE, _OTHER = "https://outside.example", 'https://other.example/"}]'
_RULE = WorkloadRule(name="ci", issuer=_OUTSIDE, claims={"sub": "job"})


class CountingPool(Pool):
    """The real one, counting its transactions."""

    transactions = 0

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncIterator[Connection]:
        self.transactions += 1
        async with super().tenant(tenant) as connection:
            yield connection


@pytest.fixture
def offline(installation: Installation) -> Config:
    return read_config(installation.environment())


@pytest.fixture
async def tenant(database: Database, offline: Config) -> MadeTenant:
    return await make_tenant(database, offline)


@pytest.fixture
async def pool(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CountingPool]:
    monkeypatch.setattr(product, "_PATIENCE", 20.0)  # seconds: a busy machine is no outage
    pool = CountingPool(installation.data_url)
    yield pool
    await pool.close()


async def served(pool: Pool, tenant: MadeTenant) -> ServedIssuer:
    read = await StoredSnapshots(pool).of_slug(tenant.slug)
    assert read is not None
    return serve_issuer(read[0], "https://auth.example", DenySet())


async def with_rule(database: Database, config: Config, tenant: MadeTenant) -> ClientId:
    """Register one more client, which has the rule."""
    new = NewClient(name="workload", apis=(tenant.audience,))
    made = await register_client(database, config.secret_peppers, tenant.tenant_id, new)
    await prove_by_workload(database, tenant.tenant_id, made.client_id)
    await add_workload(database, tenant.tenant_id, made.client_id, _RULE)
    return made.client_id


async def test_enabled_clients_are_found_by_the_issuer_of_any_rule(
    database: Database, offline: Config, tenant: MadeTenant, pool: CountingPool
) -> None:
    first, second, third = [await with_rule(database, offline, tenant) for _ in range(3)]
    elsewhere = msgspec.structs.replace(_RULE, name="else", issuer="https://else.example")
    await add_workload(database, tenant.tenant_id, second, elsewhere)
    await disable_client(database, tenant.tenant_id, third)
    issuer, clients = await served(pool, tenant), StoredClients(pool)
    assert await clients.of_workload(issuer, _OUTSIDE) == tuple(sorted((first, second)))
    assert await clients.of_workload(issuer, "https://else.example") == (second,)
    assert await clients.of_workload(issuer, f"{_OUTSIDE}/") == ()


async def test_the_next_version_is_read_anew(
    database: Database, offline: Config, tenant: MadeTenant, pool: CountingPool
) -> None:
    clients, tenant_id = StoredClients(pool), tenant.tenant_id
    assert await clients.of_workload(await served(pool, tenant), _OUTSIDE) == ()
    client_id = await with_rule(database, offline, tenant)
    assert await clients.of_workload(await served(pool, tenant), _OUTSIDE) == (client_id,)
    await disable_client(database, tenant_id, client_id)
    assert await clients.of_workload(await served(pool, tenant), _OUTSIDE) == ()
    await enable_client(database, tenant_id, client_id)
    assert await clients.of_workload(await served(pool, tenant), _OUTSIDE) == (client_id,)
    await remove_workload(database, tenant_id, client_id, "ci")
    assert await clients.of_workload(await served(pool, tenant), _OUTSIDE) == ()


async def test_a_version_is_read_once_whoever_asks(
    database: Database, offline: Config, tenant: MadeTenant, pool: CountingPool
) -> None:
    client_id = await with_rule(database, offline, tenant)
    issuer, clients = await served(pool, tenant), StoredClients(pool)
    before = pool.transactions
    asked = [clients.of_workload(issuer, _OUTSIDE) for _ in range(20)]
    assert await asyncio.gather(*asked) == [(client_id,)] * 20
    for _ in range(3):
        assert await clients.of_workload(issuer, _OUTSIDE) == (client_id,)
        assert await clients.of_workload(issuer, _OTHER) == ()
    assert pool.transactions == before + 2


@pytest.mark.parametrize(
    "strange", ["https://" + "x" * 600, "https://é.example", "a\x00b", "\ud800"]
)
async def test_the_database_is_not_asked_for_what_no_rule_can_hold(
    tenant: MadeTenant, pool: CountingPool, strange: str
) -> None:
    issuer = await served(pool, tenant)
    before = pool.transactions
    assert await StoredClients(pool).of_workload(issuer, strange) == ()
    assert pool.transactions == before
