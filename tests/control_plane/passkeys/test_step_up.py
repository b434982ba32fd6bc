"""A passkey as the fresh proof that some pages ask for."""

from datetime import timedelta
from typing import Any

import pytest

from tests.control_plane.passkeys.authenticator import Authenticator, register
from tests.control_plane.people.browsing import Browser, Console, new_email, now, opened_console
from tests.control_plane.people.browsing_second import set_up
from tests.support import Installation


async def _with_passkey(console: Console, device: Authenticator) -> Browser:
    """Sign up with a passkey, and let the proof grow old."""
    browser = await console.signed_up(new_email())
    await register(browser, device)
    await _grow_old(console)
    return browser


async def _grow_old(console: Console) -> None:
    async with console.database.control() as connection:
        await connection.exec_driver_sql(
            "UPDATE control.session SET stepped_up_at = $1", (now() - timedelta(minutes=11),)
        )


async def _asked(browser: Browser) -> dict[str, Any]:
    page = await browser.get("/you/passkeys")
    assert page.headers["location"] == "/signin/again?next=/you/passkeys"
    page = await browser.see(page.headers["location"])
    assert 'action="/signin/again/passkey"' in page.text
    options: dict[str, Any] = (await browser.get("/signin/again/passkey/options")).json()
    return options


async def test_a_passkey_of_ones_own_is_a_fresh_proof_and_leads_back(console: Console) -> None:
    device = Authenticator()
    browser = await _with_passkey(console, device)
    await set_up_factor(console, browser)
    options = await _asked(browser)
    assert len(options["allowCredentials"]) == 1
    assert options["userVerification"] == "required"
    before, credential = browser.session, device.get(options)
    answer = await browser.fill(
        "/signin/again/passkey", credential=credential, next="/you/passkeys"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/you/passkeys")
    assert browser.session != before
    assert (await browser.see("/you/passkeys")).status_code == 200
    again = await browser.fill("/signin/again/passkey", credential=credential)
    assert again.status_code == 422, "an answer is good once"


async def set_up_factor(console: Console, browser: Browser) -> None:
    """Have a second factor too: a passkey does for it."""
    async with console.database.control() as connection:
        await connection.exec_driver_sql("UPDATE control.session SET stepped_up_at = now()")
    await set_up(browser)
    await _grow_old(console)


async def test_who_has_none_is_not_offered_it(console: Console) -> None:
    browser = await console.signed_up(new_email())
    assert "/signin/again/passkey" not in (await browser.see("/signin/again")).text


@pytest.mark.parametrize("wrong", ["another's", "unverified", "sign-in", "nothing"])
async def test_nothing_else_is(console: Console, wrong: str) -> None:
    device, others = Authenticator(), Authenticator()
    browser = await _with_passkey(console, device)
    other = await _with_passkey(console, others)
    options = await _asked(browser)
    match wrong:
        case "another's":
            credential = others.get(options)
        case "unverified":
            device.verifies = False
            credential = device.get(options)
        case "sign-in":
            credential = device.get((await browser.get("/signin/passkey/options")).json())
        case _:
            credential = ""
    answer = await browser.fill("/signin/again/passkey", credential=credential, next="//evil.test")
    assert answer.status_code == 422
    assert "not recognised" in answer.text
    assert "evil.test" not in answer.text
    assert (await browser.get("/you/passkeys")).status_code == 303
    assert (await other.get("/you")).status_code == 200


async def test_anothers_passkey_leaves_everybodys_session_alone(
    installation: Installation, where_sessions_rest: dict[str, str]
) -> None:
    device = Authenticator()
    async with opened_console(installation, **where_sessions_rest) as console:
        browser, other = [await console.signed_up(new_email()) for _ in range(2)]
        await register(other, device)
        options = (await browser.get("/signin/again/passkey/options")).json()
        before = browser.session, other.session
        answer = await browser.fill("/signin/again/passkey", credential=device.get(options))
        assert answer.status_code == 422
        assert (browser.session, other.session) == before
        for each in (browser, other):
            assert (await each.get("/you")).status_code == 200
