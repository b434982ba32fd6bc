"""An installation of these tests' own, and a link to it that can be cut."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.control_plane.between import Between, between
from tests.control_plane.tenants.leftovers import Connection
from tests.support import Installation


@pytest.fixture(scope="session")
def own(postgres: EmbeddedPostgres) -> Installation:
    """An installation whose rights may be spoiled."""
    return new_installation(postgres.url)


@pytest.fixture
async def owner(own: Installation) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(own.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def link(own: Installation) -> AsyncIterator[Between]:
    async with between(own.control_url) as made:
        yield made
