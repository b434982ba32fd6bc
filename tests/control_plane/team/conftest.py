"""The console, and an account with room for ten people."""

import pytest

from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.console import make_account


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database, PlanName.GROWTH)
