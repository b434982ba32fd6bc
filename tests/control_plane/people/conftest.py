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
def where_sessions_rest(request: pytest.FixtureRequest) -> dict[str, str]:
    """Give a console's variables: one keeps sessions in PostgreSQL, and one in Redis."""
    if request.param == "postgresql":
        return {}
    valkey: RunningValkey = request.getfixturevalue("valkey")
    valkey.client.flushall()
    return {"REDIS_URL": valkey.url}
