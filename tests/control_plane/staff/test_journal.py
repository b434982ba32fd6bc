"""The staff audit: one's own part for everybody, all of it for leads, and a chain that is whole."""

import pytest
from sqlalchemy import Executable, select
from sqlalchemy.exc import DBAPIError

from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from shared.runtime.tables.staff import staff_event
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import Support


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


async def test_everybody_sees_their_own_and_leads_see_all(support: Support, account: str) -> None:
    async with support.signed_in(StaffRole.AGENT, account) as agent:
        other = agent.by.email
        assert "support.open" in text_of(await agent.get("/support/journal"))
    async with support.signed_in(StaffRole.READER) as reader:
        page = text_of(await reader.get(f"/support/journal?who={other}"))
        assert "support.open" not in page
        assert "No such event" in page
        assert (await reader.get("/support/journal/export")).status_code == 403
        assert (await reader.post("/support/journal/verify")).status_code == 403
    async with support.signed_in(StaffRole.LEAD) as lead:
        page = text_of(await lead.get(f"/support/journal?who={other}&action=support"))
        assert f"support.open account {account}" in page
        assert "a test opens it" in page


async def test_a_lead_verifies_and_exports_and_that_is_recorded(
    support: Support, account: str
) -> None:
    async with support.signed_in(StaffRole.LEAD, account) as lead:
        await lead.get("/support/journal")
        answer = await lead.post("/support/journal/verify")
        assert "events are as they were recorded" in text_of(answer)
        lines = await lead.get(f"/support/journal/export?format=jsonl&target={account}")
        assert lines.headers["content-disposition"].endswith('"staff-audit.jsonl"')
        assert lines.text.count("\n") == 1
        assert '"action":"support.open"' in lines.text
        sheet = await lead.get(f"/support/journal/export?format=csv&target={account}")
        assert sheet.text.startswith("seq,at,who,")
    async with support.database.control() as connection:
        rows = await connection.execute(
            select(staff_event.c.after)
            .where(staff_event.c.actor_id == lead.by.id)
            .where(staff_event.c.action == "journal.export")
        )
        assert [row.after for row in rows] == [f'{{"target":"{account}"}}'] * 2


@pytest.mark.parametrize(
    "statement", [staff_event.update().values(target="x"), staff_event.delete()]
)
async def test_not_even_the_app_changes_what_is_recorded(
    support: Support, statement: Executable
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with support.own.control() as connection:
            await connection.execute(statement)
