"""A console for each test: what it remembers of attempts is no other test's."""

from collections.abc import AsyncIterator

import pytest

from tests.control_plane.people.browsing import Console, opened_console
from tests.support import Installation
from tests.valkey import RunningValkey


@pytest.fixture
async def console(installation: Installation) -> AsyncIterator[Console]:
    async with opened_console(installation) as opened:
        yield opened


@pytest.fixture(params=["postgresql", "redis"])
async def either_console(
    request: pytest.FixtureRequest, installation: Installation
) -> AsyncIterator[Console]:
    """One that keeps sessions in PostgreSQL, and one that keeps them in Redis."""
    variables = {}
    if request.param == "redis":
        valkey: RunningValkey = request.getfixturevalue("valkey")
        valkey.client.flushall()
        variables["REDIS_URL"] = valkey.url
    async with opened_console(installation, **variables) as opened:
        yield opened
