"""`/you`: a fresh proof, another password, and the sessions that there are."""

import re
from collections.abc import AsyncIterator

import pytest
from litestar import get

from control_plane.security.rules import browser_of
from control_plane.sessions.actions import digest_of
from tests.control_plane.people.browsing import (
    PASSWORD,
    Browser,
    Console,
    new_email,
    opened_console,
)
from tests.control_plane.people.browsing_second import set_up
from tests.support import Installation

_NEW = "another long password"
_ENDS = re.compile(r'name="session" value="([0-9a-f]+)"')


@get("/probe/secret", opt={"signed_in": True, "step_up": True})
async def _asks_again() -> str:
    return "shown"


@pytest.fixture
async def console(installation: Installation) -> AsyncIterator[Console]:
    async with opened_console(installation, _asks_again) as opened:
        yield opened


async def _is_in(browser: Browser) -> bool:
    return (await browser.get("/you")).status_code == 200


async def _let_it_age(console: Console, browser: Browser) -> None:
    async with console.database.control() as connection:
        await connection.exec_driver_sql(
            "UPDATE control.session SET stepped_up_at = stepped_up_at - interval '11 minutes'"
            " WHERE digest = $1",
            (digest_of(browser.session),),
        )


async def test_an_old_proof_is_asked_for_again_and_leads_back(console: Console) -> None:
    browser = await console.signed_up(new_email())
    assert (await browser.get("/probe/secret")).text == "shown"
    await _let_it_age(console, browser)
    before = browser.session
    answer = await browser.get("/probe/secret")
    assert answer.headers["location"] == "/signin/again?next=/probe/secret"
    page = await browser.see(answer.headers["location"])
    assert "Your password" in page.text
    wrong = await browser.fill("/signin/again", proof="wrong but long", next="/probe/secret")
    assert wrong.status_code == 422
    assert (await browser.get("/probe/secret")).status_code == 303
    right = await browser.fill("/signin/again", proof=PASSWORD, next="/probe/secret")
    assert right.headers["location"] == "/probe/secret"
    assert browser.session != before
    assert (await browser.get("/probe/secret")).text == "shown"
    thief = console.browser()
    thief.plant("session", before)
    assert not await _is_in(thief)


async def test_a_form_that_asks_again_leads_back_to_its_page(console: Console) -> None:
    browser = await console.signed_up(new_email())
    await _let_it_age(console, browser)
    fields = {"csrf": browser.csrf}
    for referer, target in (
        ("https://console.example/you", "/you"),
        ("https://evil.example/you", "/"),
        ("https://console.example//evil.example", "//evil.example"),
    ):
        answer = await browser.post(
            "/you/second-factor/off", data=fields, headers={"Referer": referer}
        )
        assert answer.headers["location"] == f"/signin/again?next={target}"
    page = await browser.get("/signin/again?next=//evil.example")
    assert "evil.example" not in page.text


async def test_with_a_second_factor_the_fresh_proof_is_its_code(console: Console) -> None:
    browser = await console.signed_up(new_email())
    app, _ = await set_up(browser)
    await _let_it_age(console, browser)
    page = await browser.see("/signin/again")
    assert "authenticator app" in page.text
    assert (await browser.fill("/signin/again", proof=PASSWORD)).status_code == 422
    assert (await browser.fill("/signin/again", proof=app.code)).status_code == 303
    assert (await browser.get("/probe/secret")).text == "shown"


async def test_proofs_are_guessed_ten_times_and_no_more(console: Console) -> None:
    browser = await console.signed_up(new_email())
    for _ in range(10):
        assert (await browser.fill("/signin/again", proof="wrong but long")).status_code == 422
    assert (await browser.fill("/signin/again", proof=PASSWORD)).status_code == 429


async def test_a_changed_password_ends_every_other_session_and_renews_this_one(
    console: Console,
) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    other, before = await console.signed_in(email), browser.session
    answer = await browser.fill("/you/password", current=PASSWORD, new=_NEW)
    assert answer.headers["location"] == "/you?done=password"
    assert "password is changed" in (await browser.see("/you?done=password")).text
    assert browser.session != before
    assert not await _is_in(other)
    assert not await _is_in(await console.signed_in(email, PASSWORD))
    assert await _is_in(await console.signed_in(email, _NEW))
    assert (await console.letters(email))[-1].subject == "Your password was changed"


@pytest.mark.parametrize(
    ("current", "new", "words"),
    [
        ("wrong but long", _NEW, "current password is not right"),
        (PASSWORD, "short", "12 to 128 characters"),
        (PASSWORD, "", "12 to 128 characters"),
    ],
)
async def test_a_password_is_not_changed_without_the_old_or_to_a_weak_one(
    console: Console, current: str, new: str, words: str
) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    answer = await browser.fill("/you/password", current=current, new=new)
    assert answer.status_code == 422
    assert words in answer.text
    assert await _is_in(await console.signed_in(email, PASSWORD))


async def test_a_reset_link_of_before_is_dead_after_a_change(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    await browser.fill("/reset", email=email)
    link = await console.last_link(email)
    await browser.fill("/you/password", current=PASSWORD, new=_NEW)
    stranger = console.browser()
    await stranger.see(link)
    answer = await stranger.fill("/reset/choose", token=link.partition("=")[2], password=PASSWORD)
    assert answer.status_code == 422


async def test_sessions_are_listed_and_ended_one_by_one(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    other = console.browser("203.0.113.77")
    other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"
    await other.see("/signin")
    await other.fill("/signin", email=email, password=PASSWORD)
    page = await browser.see("/you")
    assert {"Firefox on Linux", "203.0.113.77", "This one"} <= set(
        re.split(r"<[^>]+>|\s{2,}", page.text)
    )
    (of_other,) = [
        each for each in _ENDS.findall(page.text) if each != await _public_id(console, browser)
    ]
    answer = await browser.fill("/you/sessions/end", session=of_other)
    assert answer.headers["location"] == "/you?done=session"
    assert not await _is_in(other)
    assert await _is_in(browser)


async def test_ending_this_session_signs_out(console: Console) -> None:
    browser = await console.signed_up(new_email())
    token, public_id = browser.session, await _public_id(console, browser)
    answer = await browser.fill("/you/sessions/end", session=public_id)
    assert answer.headers["location"] == "/signin"
    thief = console.browser()
    thief.plant("session", token)
    assert not await _is_in(thief)


async def test_the_session_of_another_person_is_not_ended(console: Console) -> None:
    victim = await console.signed_up(new_email())
    browser = await console.signed_up(new_email())
    await browser.fill("/you/sessions/end", session=await _public_id(console, victim))
    await browser.fill("/you/sessions/end-others")
    assert await _is_in(victim)


async def test_all_others_are_ended_at_once(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    others = [await console.signed_in(email) for _ in range(2)]
    answer = await browser.fill("/you/sessions/end-others")
    assert answer.headers["location"] == "/you?done=others"
    assert [await _is_in(each) for each in [browser, *others]] == [True, False, False]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/18.0 Safari/605.1",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5", "A browser or program"),
        ("", "A browser or program"),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(agent: str, words: str) -> None:
    assert browser_of(agent) == words


async def _public_id(console: Console, browser: Browser) -> str:
    rows = await console.rows(
        "SELECT public_id FROM control.session WHERE digest = :d", d=digest_of(browser.session)
    )
    return str(rows[0].public_id)
