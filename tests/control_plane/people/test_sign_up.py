"""Signing up, confirming the address, signing in, and a forgotten password."""

import asyncio
import time

import pytest

from control_plane.http import even_time
from control_plane.http.even_time import STEP
from tests.control_plane.people.browsing import (
    PASSWORD,
    Console,
    new_email,
    opened_console,
    token_of,
    verify,
)
from tests.support import Installation

_NEW = "another long password"
_NOBODY = "nobody@example.org"


async def test_sign_up_letter_and_verification_end_signed_in(console: Console) -> None:
    email, browser = new_email(), console.browser()
    await browser.see("/signup")
    answer = await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
    assert "Check your mail" in answer.text
    assert not browser.session
    answer = await verify(browser, await console.last_link(email))
    assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    assert email in (await browser.see("/reset")).text
    rows = await console.rows(
        "SELECT role FROM control.member JOIN control.person ON id = person_id WHERE email = :e",
        e=email,
    )
    assert [row.role for row in rows] == ["owner"]


async def test_nobody_signs_in_before_the_address_is_confirmed(console: Console) -> None:
    email, browser = new_email(), console.browser()
    await browser.see("/signup")
    await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
    assert not (await console.signed_in(email)).session


async def test_a_verification_link_is_good_once_and_opening_it_does_not_use_it(
    console: Console,
) -> None:
    email, browser = new_email(), console.browser()
    await browser.see("/signup")
    await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
    link = await console.last_link(email)
    await console.browser().see(link)
    assert (await verify(browser, link)).status_code == 303
    assert (await verify(console.browser(), link)).status_code == 422


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("email", "ada", "not an e-mail address"),
        ("password", "short", "12 to 128 characters"),
        ("account", "", "account"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    console: Console, field: str, text: str, words: str
) -> None:
    email, browser = new_email(), console.browser()
    fields = {"email": email, "password": PASSWORD, "account": "Acme"} | {field: text}
    await browser.see("/signup")
    answer = await browser.fill("/signup", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text
    assert await console.letters(email) == []


@pytest.mark.parametrize("path", ["/signup", "/signin", "/reset", "/verify/again"])
async def test_known_and_unknown_addresses_get_the_same_answer(console: Console, path: str) -> None:
    """Row I13, what is read; the address that was typed stands in both."""
    known, unknown = new_email(), new_email()
    await console.signed_up(known)
    answers = []
    for email in (known, unknown):
        browser = console.browser()
        await browser.see("/signup")
        answer = await browser.fill(path, email=email, password="wrong but long", account="Acme")
        shown = answer.text.replace(email, "").replace(browser.csrf, "")
        answers.append((answer.status_code, shown))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", ["/signin", "/reset", "/signup"])
async def test_known_and_unknown_addresses_take_the_same_time(console: Console, path: str) -> None:
    """Row I13, what is measured: the quickest of several, since a busy machine only slows."""
    known = new_email()
    await console.signed_up(known)
    times: dict[bool, list[float]] = {True: [], False: []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(even_time, "STEP", STEP)
        for turn in range(5):
            browser = console.browser(f"203.0.113.{turn}")
            await browser.see("/signup")
            for is_known in (True, False):
                email = known if is_known else new_email()
                began = time.monotonic()
                await browser.fill(path, email=email, password="wrong but long", account="Acme")
                times[is_known].append(time.monotonic() - began)
    apart = abs(min(times[True]) - min(times[False]))
    if path != "/signin":  # those two end at whole steps, of which a busy machine takes more
        apart = min(apart % STEP, STEP - apart % STEP)
    assert apart < 0.1


async def test_a_known_address_is_told_by_letter_and_keeps_its_password(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    other = console.browser()
    await other.see("/signup")
    await other.fill("/signup", email=email, password=_NEW, account="Evil")
    assert (await console.letters(email))[-1].subject == "You already have an account"
    assert (await console.signed_in(email)).session
    assert not (await console.signed_in(email, _NEW)).session


async def test_a_reset_link_is_good_once_and_ends_every_session(console: Console) -> None:
    email = new_email()
    before = await console.signed_up(email)
    link = await _ask_reset(console, email)
    browser = console.browser()
    await browser.see(link)
    weak = await browser.fill("/reset/choose", token=token_of(link), password="short")
    assert weak.status_code == 422
    chosen = await browser.fill("/reset/choose", token=token_of(link), password=_NEW)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/signin")
    again = await browser.fill("/reset/choose", token=token_of(link), password="yet another one")
    assert again.status_code == 422
    assert email not in (await before.see("/reset")).text
    assert not (await console.signed_in(email, PASSWORD)).session
    assert (await console.signed_in(email, _NEW)).session


async def test_of_two_that_use_a_reset_link_at_once_one_succeeds(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    link = await _ask_reset(console, email)
    browsers = [console.browser(), console.browser()]
    for each in browsers:
        await each.see(link)
    answers = await asyncio.gather(
        *(
            each.fill("/reset/choose", token=token_of(link), password=f"{_NEW} {number}")
            for number, each in enumerate(browsers)
        )
    )
    assert sorted(each.status_code for each in answers) == [303, 422]


async def test_a_newer_reset_link_ends_the_older(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    old, new = await _ask_reset(console, email), await _ask_reset(console, email)
    browser = console.browser()
    await browser.see(new)
    refused = await browser.fill("/reset/choose", token=token_of(old), password=_NEW)
    assert refused.status_code == 422
    taken = await browser.fill("/reset/choose", token=token_of(new), password=_NEW)
    assert taken.status_code == 303


@pytest.mark.parametrize("purpose", ["/verify", "/reset/choose"])
async def test_a_link_of_another_purpose_or_none_is_refused(console: Console, purpose: str) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    await browser.see("/reset")
    answer = await browser.fill(purpose, token="A" * 43, password=_NEW)
    assert answer.status_code == 422


async def test_no_letter_goes_to_whom_we_do_not_know(console: Console) -> None:
    await _ask_reset_of(console, _NOBODY)
    assert await console.letters(_NOBODY) == []


async def _ask_reset_of(console: Console, email: str) -> None:
    browser = console.browser()
    await browser.see("/reset")
    await browser.fill("/reset", email=email)


async def _ask_reset(console: Console, email: str) -> str:
    await _ask_reset_of(console, email)
    return await console.last_link(email)


async def test_the_eleventh_attempt_of_a_minute_is_refused_even_with_the_password(
    console: Console,
) -> None:
    email = new_email()
    await console.signed_up(email)
    for number in range(10):
        browser = console.browser(f"203.0.113.{number}")
        await browser.see("/signin")
        wrong = await browser.fill("/signin", email=email.upper(), password="wrong but long")
        assert wrong.status_code == 422
    browser = console.browser("203.0.113.99")
    await browser.see("/signin")
    answer = await browser.fill("/signin", email=email, password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert not browser.session


async def test_a_proxy_of_ours_says_whose_attempt_it_is(installation: Installation) -> None:
    """The address of a session is what our proxy says, and what nobody else says."""
    async with opened_console(installation, TRUSTED_PROXIES="192.0.2.0/24") as console:
        for peer, address in (("192.0.2.7", "203.0.113.9"), ("198.51.100.7", "198.51.100.7")):
            email = new_email()
            browser = console.browser(peer)
            browser.headers["X-Forwarded-For"] = "203.0.113.9"
            await console.signed_up(email, browser)
            rows = await console.rows(
                "SELECT s.address FROM control.session s JOIN control.person p"
                " ON p.id = person_id WHERE email = :e",
                e=email,
            )
            assert [row.address for row in rows] == [address]
