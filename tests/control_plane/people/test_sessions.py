"""Sessions: never one from outside, and none after what ends it, wherever they are kept."""

from collections.abc import AsyncIterator

import pytest
from litestar import get

from control_plane.members.rules import Permission
from tests.control_plane.people.browsing import (
    PASSWORD,
    Browser,
    Console,
    new_email,
    opened_console,
    token_of,
    verify,
)
from tests.support import Installation

_PLANTED = "planted-session-id-of-43-characters-aaaaaaa"


@get("/probe/members", opt={"permission": Permission.CHANGE_MEMBERS})
async def _of_admins() -> str:
    return "yours"


@pytest.fixture
async def console(
    installation: Installation, where_sessions_rest: dict[str, str]
) -> AsyncIterator[Console]:
    async with opened_console(installation, _of_admins, **where_sessions_rest) as opened:
        yield opened


async def _is_in(browser: Browser) -> int:
    return (await browser.get("/probe/members")).status_code


async def _opens(console: Console, token: str) -> bool:
    """Tell whether whoever has it is let in."""
    thief = console.browser()
    thief.plant("session", token)
    return await _is_in(thief) == 200


async def test_a_planted_session_id_is_not_adopted_at_sign_in(console: Console) -> None:
    """Row I3."""
    email = new_email()
    await console.signed_up(email)
    browser = console.browser()
    browser.plant("session", _PLANTED)
    await browser.see("/signin")
    await browser.fill("/signin", email=email, password=PASSWORD)
    assert browser.session != _PLANTED
    assert await _opens(console, browser.session)
    assert not await _opens(console, _PLANTED)


async def test_a_planted_session_id_is_not_adopted_at_verification(console: Console) -> None:
    email, browser = new_email(), console.browser()
    browser.plant("session", _PLANTED)
    await browser.see("/signup")
    await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
    await verify(browser, await console.last_link(email))
    assert browser.session != _PLANTED
    assert not await _opens(console, _PLANTED)


async def test_signing_in_ends_the_session_that_the_browser_had(console: Console) -> None:
    """Someone who planted a live session of their own is not signed in beside the victim."""
    planted = (await console.signed_up(new_email())).session
    email = new_email()
    await console.signed_up(email)
    browser = console.browser()
    browser.plant("session", planted)
    await browser.see("/reset")
    await browser.fill("/signin", email=email, password=PASSWORD)
    assert not await _opens(console, planted)


async def test_after_sign_out_the_session_is_refused(console: Console) -> None:
    """Row I4."""
    browser = await console.signed_up(new_email())
    token = browser.session
    assert await _is_in(browser) == 200
    await browser.fill("/signout")
    assert not await _opens(console, token)


async def test_what_ends_a_session_ends_it_at_every_worker(
    installation: Installation, where_sessions_rest: dict[str, str]
) -> None:
    of_another = where_sessions_rest | {"MAIL_FROM": "another@worker.example"}
    async with (
        opened_console(installation, **where_sessions_rest) as one,
        opened_console(installation, **of_another) as other,
    ):
        browser, there = await one.signed_up(new_email()), other.browser()
        there.plant("session", browser.session)
        assert (await there.get("/you")).status_code == 200
        await browser.fill("/signout")
        assert (await there.get("/you")).status_code == 303


async def test_after_a_new_password_every_session_is_refused(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    other = console.browser()
    await other.see("/reset")
    await other.fill("/reset", email=email)
    link = await console.last_link(email)
    await other.fill("/reset/choose", token=token_of(link), password="another long password")
    assert await _is_in(browser) == 303


async def test_after_removal_from_the_account_its_pages_are_refused(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    await _execute(
        console, "DELETE FROM control.member USING control.person WHERE id = person_id", email
    )
    assert await _is_in(browser) == 403
    assert "Acme" not in (await browser.see("/reset")).text


async def test_a_lower_role_holds_from_the_next_request_on(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    assert await _is_in(browser) == 200
    await _execute(
        console,
        "UPDATE control.member SET role = 'read_only' FROM control.person WHERE id = person_id",
        email,
    )
    assert await _is_in(browser) == 403


async def test_the_cookie_is_bound_to_host_and_https_and_hidden_from_scripts(
    console: Console,
) -> None:
    email = new_email()
    await console.signed_up(email)
    browser = console.browser()
    await browser.see("/signin")
    answer = await browser.fill("/signin", email=email, password=PASSWORD, remember="1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=2592000"} <= set(
        cookie.split("; ")
    )


async def _execute(console: Console, statement: str, email: str) -> None:
    async with console.database.control() as connection:
        await connection.exec_driver_sql(f"{statement} AND email = $1", (email,))
