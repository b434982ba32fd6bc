"""Accepting an invitation, by whom it is for and by whom it is not; moving between accounts."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from control_plane.http.cookies import SESSION
from control_plane.members.repository import find_role
from control_plane.members.rules import Role
from control_plane.people.repository import find_by_email
from shared.runtime.database import Database
from tests.control_plane.console import Browser, Console, make_account
from tests.control_plane.team.teams import invited, last_link, team_of

PASSWORD = "correct horse battery"
TOO_OLD = "This invitation is too old"


async def test_a_new_person_joins_by_the_link_which_is_good_once(
    console: Console, database: Database, account: str
) -> None:
    email, token = await invited(console, account)
    async with console.browser() as visitor:
        page = await visitor.get(f"/invitation?token={token}")
        assert email in page.text
        form = {"csrf": csrf_of(page.text), "token": token}
        weak = await visitor.post("/invitation", data=form | {"password": "short"})
        assert weak.status_code == 422
        joined = await visitor.post("/invitation", data=form | {"password": PASSWORD})
        assert joined.status_code == 303
        team = await visitor.get("/team")
        assert team.status_code == 200
        assert email in team.text
        again = await visitor.get(f"/invitation?token={token}")
        assert (again.status_code, TOO_OLD in again.text) == (422, True)
    async with database.control() as connection:
        person = await find_by_email(connection, email)
        assert person is not None
        assert person.verified_at is not None
        assert await find_role(connection, account, person.id) is Role.DEVELOPER


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def take_cookie(browser: Browser, answer: httpx.Response) -> str:
    """Keep the session that the answer gives, in the place of the one there was."""
    assert answer.status_code == 303
    given = answer.cookies[SESSION]
    browser.client.cookies = httpx.Cookies({SESSION: given})
    return given


async def test_an_existing_person_joins_and_looks_at_either_account(
    console: Console, database: Database, account: str
) -> None:
    own = await make_account(database)
    async with console.signed_in(own) as browser, console.signed_in(account) as owner:
        (me,) = await team_of(database, own)
        email = f"{me}@example.com"
        await owner.post("/team/invite", email=email, role="read_only")
        token = (await last_link(database, email)).partition("token=")[2]
        former = browser.client.cookies[SESSION]
        assert f"Join as {email}" in (await browser.get(f"/invitation?token={token}")).text
        assert take_cookie(browser, await browser.post("/invitation", token=token)) != former
        page = await browser.get("/accounts")
        assert page.text.count("<tr>") == 3
        assert "Read-only" in (await browser.get("/team")).text
        back = await browser.client.post(
            "/accounts/switch", data={"csrf": csrf_of(page.text), "account_id": own}
        )
        take_cookie(browser, back)
        assert "Owner" in (await browser.get("/team")).text
        browser.client.cookies = httpx.Cookies({SESSION: former})
        assert (await browser.get("/team")).status_code == 303


async def test_anothers_invitation_is_refused_and_stays_good(
    console: Console, database: Database, account: str
) -> None:
    email, token = await invited(console, account, Role.OWNER)
    async with console.signed_in(await make_account(database)) as eve:
        assert "the invitation is for" in (await eve.get(f"/invitation?token={token}")).text
        before = await team_of(database, account)
        answer = await eve.post("/invitation", token=token, password=PASSWORD)
        assert answer.status_code == 422
        assert await team_of(database, account) == before
    assert before[email] == Role.OWNER


async def test_an_invitation_ends_when_it_is_withdrawn_sent_again_or_old(
    console: Console, database: Database, account: str
) -> None:
    email, token = await invited(console, account)
    async with console.signed_in(account) as owner, console.browser() as visitor:
        assert email in (await visitor.get(f"/invitation?token={token}")).text
        await owner.post("/team/invite", email=email, role="admin")
        assert TOO_OLD in (await visitor.get(f"/invitation?token={token}")).text
        second = (await last_link(database, email)).partition("token=")[2]
        assert email in (await visitor.get(f"/invitation?token={second}")).text
        async with database.control() as connection:
            query = text("UPDATE control.invitation SET expires_at = :at WHERE email = :email")
            past: dict[str, Any] = {"at": datetime.now(UTC) - timedelta(seconds=1), "email": email}
            await connection.execute(query, past)
        assert TOO_OLD in (await visitor.get(f"/invitation?token={second}")).text
        await owner.post("/team/withdraw", email=email)
    assert email not in await team_of(database, account)
