"""A database and a console of its own: in another, jobs and books would be everybody's."""

from collections.abc import AsyncIterator

import pytest

from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.support import Installation, opened


@pytest.fixture(scope="session")
def billed_installation(postgres: EmbeddedPostgres) -> Installation:
    return new_installation(postgres.url)


@pytest.fixture
async def billed(billed_installation: Installation) -> AsyncIterator[Database]:
    async with opened(billed_installation.control_url) as database:
        yield database
