"""Passkeys as a browser and an authenticator use them, and as someone else would like to."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from control_plane.passkeys.rules import PasskeyRefused, Purpose, challenge, made_at, name_of
from tests.control_plane.passkeys.authenticator import Authenticator, register
from tests.control_plane.people.browsing import Browser, Console, new_email, now
from tests.control_plane.people.browsing_second import set_up


async def _options(browser: Browser, path: str) -> dict[str, Any]:
    answer = await browser.get(path)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def _visitor(console: Console) -> tuple[Browser, dict[str, Any]]:
    browser = console.browser()
    await browser.see("/signin")
    return browser, await _options(browser, "/signin/passkey/options")


async def _sign_in(console: Console, device: Authenticator) -> tuple[Browser, httpx.Response]:
    browser, options = await _visitor(console)
    answer = await browser.fill("/signin/passkey", credential=device.get(options), next="/you")
    return browser, answer


async def test_a_passkey_is_registered_and_signs_in_without_a_password(console: Console) -> None:
    email, device = new_email(), Authenticator()
    answer = await register(await console.signed_up(email), device)
    assert (answer.status_code, answer.headers["location"]) == (303, "/you/passkeys")
    assert (await console.letters(email))[-1].subject == "A passkey was added"
    browser, answer = await _sign_in(console, device)
    assert (answer.status_code, answer.headers["location"]) == (303, "/you")
    assert email in (await browser.see("/you")).text
    assert "Phone" in (await browser.see("/you/passkeys")).text


async def test_what_is_asked_of_the_device_is_a_verified_person(console: Console) -> None:
    browser = await console.signed_up(new_email())
    options = await _options(browser, "/you/passkeys/options")
    assert options["rp"]["id"] == "console.example"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    _, options = await _visitor(console)
    assert options["userVerification"] == "required"
    assert not options.get("allowCredentials")


async def test_a_passkey_is_both_factors(console: Console) -> None:
    email, device = new_email(), Authenticator()
    browser = await console.signed_up(email)
    await set_up(browser)
    await register(browser, device)
    browser, _ = await _sign_in(console, device)
    assert (await browser.get("/you")).status_code == 200


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(verifies=False),
        Authenticator(origin="https://evil.example"),
        Authenticator(host="evil.example"),
    ],
    ids=["unverified", "origin", "host"],
)
async def test_a_device_that_verifies_nobody_or_speaks_to_another_site_is_refused(
    console: Console, device: Authenticator
) -> None:
    browser = await console.signed_up(new_email())
    assert (await register(browser, device)).status_code == 422
    proper = Authenticator(credential_id=device.credential_id, key=device.key)
    assert (await register(browser, proper)).status_code == 303
    device.count = 5
    signed_in, answer = await _sign_in(console, device)
    assert answer.status_code == 422
    assert not signed_in.session


async def test_another_key_or_an_unknown_passkey_is_refused(console: Console) -> None:
    device = Authenticator()
    await register(await console.signed_up(new_email()), device)
    for wrong in (Authenticator(credential_id=device.credential_id), Authenticator()):
        _, answer = await _sign_in(console, wrong)
        assert answer.status_code == 422
        assert "not recognised" in answer.text


async def test_an_answer_is_good_once_and_for_the_browser_that_was_asked(console: Console) -> None:
    device = Authenticator()
    await register(await console.signed_up(new_email()), device)
    browser, options = await _visitor(console)
    credential = device.get(options)
    thief, _ = await _visitor(console)
    assert (await thief.fill("/signin/passkey", credential=credential)).status_code == 422
    again = console.browser()
    again.cookies, again.csrf = httpx.Cookies(browser.cookies), browser.csrf
    assert (await browser.fill("/signin/passkey", credential=credential)).status_code == 303
    assert (await again.fill("/signin/passkey", credential=credential)).status_code == 422


async def test_of_two_that_send_an_answer_at_once_one_succeeds(console: Console) -> None:
    device = Authenticator()
    await register(await console.signed_up(new_email()), device)
    browser, options = await _visitor(console)
    other = console.browser()
    other.cookies, other.csrf = httpx.Cookies(browser.cookies), browser.csrf
    credential = device.get(options)
    answers = await asyncio.gather(
        *(each.fill("/signin/passkey", credential=credential) for each in (browser, other))
    )
    assert sorted(each.status_code for each in answers) == [303, 422]


async def test_a_count_that_goes_back_is_a_copied_device(console: Console) -> None:
    device = Authenticator()
    await register(await console.signed_up(new_email()), device)
    device.count = 10
    assert (await _sign_in(console, device))[1].status_code == 303
    device.count = 3
    assert (await _sign_in(console, device))[1].status_code == 422


async def test_a_removed_passkey_opens_nothing_and_another_persons_is_not_removed(
    console: Console,
) -> None:
    device, browser = Authenticator(), await console.signed_up(new_email())
    await register(browser, device)
    stranger = await console.signed_up(new_email())
    await stranger.fill("/you/passkeys/remove", passkey=device.credential_id.hex())
    assert (await _sign_in(console, device))[1].status_code == 303
    await browser.fill("/you/passkeys/remove", passkey="not hexadecimal")
    await browser.fill("/you/passkeys/remove", passkey=device.credential_id.hex())
    assert "no passkey yet" in (await browser.see("/you/passkeys")).text
    assert (await _sign_in(console, device))[1].status_code == 422


async def test_the_passkey_of_another_person_is_not_taken_over(console: Console) -> None:
    device, email = Authenticator(), new_email()
    await register(await console.signed_up(email), device)
    stranger = await console.signed_up(new_email())
    assert (await register(stranger, device)).status_code == 422
    browser, _ = await _sign_in(console, device)
    assert email in (await browser.see("/you")).text


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "{}",
        "null",
        "[]",
        "{" * 1000,
        '{"response": {"clientDataJSON": 5}}',
        '{"response": {"clientDataJSON": "AAAA"}}',
        '{"response": {"clientDataJSON": "W10"}}',
        '{"id": "\\ud800", "response": null}',
    ],
)
async def test_what_no_browser_sends_is_refused(console: Console, sent: str) -> None:
    browser, _ = await _visitor(console)
    assert (await browser.fill("/signin/passkey", credential=sent)).status_code == 422
    browser = await console.signed_up(new_email())
    assert (await browser.fill("/you/passkeys", credential=sent)).status_code == 422


@pytest.mark.parametrize("part", ["id", "rawId", "type", "response"])
@pytest.mark.parametrize("value", [None, 5, "é", "", [], {"authenticatorData": "AA"}], ids=repr)
async def test_an_answer_with_a_broken_part_is_refused(
    console: Console, part: str, value: object
) -> None:
    device = Authenticator()
    await register(await console.signed_up(new_email()), device)
    browser, options = await _visitor(console)
    credential = json.loads(device.get(options))
    if isinstance(credential[part], dict) and isinstance(value, dict):
        credential[part] |= value
    else:
        credential[part] = value
    answer = await browser.fill("/signin/passkey", credential=json.dumps(credential))
    assert answer.status_code == 422


def test_a_challenge_is_good_for_five_minutes_one_purpose_and_one_session() -> None:
    asked = challenge(b"key", Purpose.SIGN_IN, "a", b"n" * 16, now())
    assert now() - made_at(b"key", Purpose.SIGN_IN, "a", asked, now()) < timedelta(seconds=5)
    for key, purpose, session, presented, later in (
        (b"yek", Purpose.SIGN_IN, "a", asked, timedelta()),
        (b"key", Purpose.REGISTER, "a", asked, timedelta()),
        (b"key", Purpose.SIGN_IN, "b", asked, timedelta()),
        (b"key", Purpose.SIGN_IN, "a", asked[:-1], timedelta()),
        (b"key", Purpose.SIGN_IN, "a", b"", timedelta()),
        (b"key", Purpose.SIGN_IN, "a", asked, timedelta(minutes=5)),
        (b"key", Purpose.SIGN_IN, "a", asked, -timedelta(seconds=5)),
    ):
        with pytest.raises(PasskeyRefused):
            made_at(key, purpose, session, presented, now() + later)


def test_a_name_is_short_and_printable() -> None:
    assert name_of(" My\x00 phone\r\n ") == "My phone"
    assert name_of("") == "Passkey"
    assert len(name_of("a" * 500)) == 60
