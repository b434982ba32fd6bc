"""Fixtures of the isolation tests: tenant A, once, and a tenant B.

`both` has a B that nothing has changed yet, for calls that may change it; `pair` has one that
stays, for those that may not.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
import psycopg
import pytest

from shared.runtime.config import Config, read_config
from tests.isolation.populated import Both, Owner, Populated, dump_of, populate
from tests.support import Installation, MadeTenant, make_tenant, opened


@pytest.fixture(scope="session")
def offline_config(installation: Installation) -> Config:
    """The control plane's configuration where no server is needed."""
    return read_config(installation.environment())


@pytest.fixture(scope="session")
def tenant_a(installation: Installation, offline_config: Config) -> Populated:
    return asyncio.run(populate(installation, offline_config))


@pytest.fixture(scope="session")
def tenant_b(installation: Installation, offline_config: Config) -> MadeTenant:
    async def make() -> MadeTenant:
        async with opened(installation.control_url) as database:
            return await make_tenant(database, offline_config)

    return asyncio.run(make())


@pytest.fixture(scope="session")
def owner(installation: Installation) -> Iterator[Owner]:
    with psycopg.connect(installation.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def unchanged() -> list[MadeTenant]:
    """Tenants that calls were made for and that are as they were made."""
    return []


@pytest.fixture
async def pair(
    tenant_a: Populated,
    tenant_b: MadeTenant,
    installation: Installation,
    owner: Owner,
    offline_config: Config,
) -> AsyncIterator[Both]:
    async with opened(installation.control_url) as database:
        yield Both(
            a=tenant_a,
            b=tenant_b,
            installation=installation,
            owner=owner,
            database=database,
            config=offline_config,
        )


@pytest.fixture
async def both(pair: Both, unchanged: list[MadeTenant]) -> AsyncIterator[Both]:
    b = unchanged.pop() if unchanged else await make_tenant(pair.database, pair.config)
    before = dump_of(pair.owner, b.tenant_id)
    yield msgspec.structs.replace(pair, b=b)
    if dump_of(pair.owner, b.tenant_id) == before:
        unchanged.append(b)
