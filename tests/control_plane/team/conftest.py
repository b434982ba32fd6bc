"""The console, and an account with room for ten people."""

from collections.abc import AsyncIterator

import pytest

from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.console import Console, make_account, run_console
from tests.support import Installation


@pytest.fixture
async def console(installation: Installation, database: Database) -> AsyncIterator[Console]:
    async with run_console(installation, database, "http://127.0.0.1:1") as running:
        yield running


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database, PlanName.GROWTH)
