"""A console for each test: what it remembers of attempts is no other test's."""

from collections.abc import AsyncIterator

import pytest

from tests.control_plane.people.browsing import Console, opened_console
from tests.support import Installation


@pytest.fixture
async def console(installation: Installation) -> AsyncIterator[Console]:
    async with opened_console(installation) as opened:
        yield opened
