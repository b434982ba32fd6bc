"""Fixtures of the isolation tests: tenant A, once, and a tenant B.

`both` has a fresh B, for calls that may change it; `pair` has one that stays, for those that may
not.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from shared.runtime.config import Config, read_config
from tests.isolation.populated import Both, Populated, populate
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


@pytest.fixture
async def pair(
    tenant_a: Populated, tenant_b: MadeTenant, installation: Installation, offline_config: Config
) -> AsyncIterator[Both]:
    async with opened(installation.control_url) as database:
        yield Both(
            a=tenant_a,
            b=tenant_b,
            installation=installation,
            database=database,
            config=offline_config,
        )


@pytest.fixture
async def both(pair: Both) -> Both:
    return msgspec.structs.replace(pair, b=await make_tenant(pair.database, pair.config))
