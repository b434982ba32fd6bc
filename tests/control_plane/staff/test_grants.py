"""Opening an account: for one of the staff, one account, an hour, and both sides read of it."""

import pytest

from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import Support


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


async def test_the_start_says_what_is_open(support: Support, account: str) -> None:
    async with support.signed_in(StaffRole.READER, account) as browser:
        page = await browser.get("/support")
    assert page.status_code == 200
    assert "a test opens it" in text_of(page)
