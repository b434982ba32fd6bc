"""A second factor in the browser: set up, asked for at sign-in, and lost."""

import asyncio

import pytest

from control_plane.sessions.actions import digest_of
from tests.control_plane.people.browsing import (
    PASSWORD,
    Browser,
    Console,
    new_email,
    token_of,
    verify,
)
from tests.control_plane.people.browsing_second import (
    begin_set_up,
    half_signed_in,
    set_up,
)


async def _is_in(browser: Browser) -> bool:
    return (await browser.get("/you")).status_code == 200


async def test_it_is_set_up_with_a_code_and_shows_ten_recovery_codes_once(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    before = browser.session
    _, codes = await set_up(browser)
    assert len(codes) == 10
    assert browser.session != before
    page = await browser.see("/you/second-factor")
    assert "10 of ten are left" in page.text
    assert not [code for code in codes if code in page.text]
    assert (await console.letters(email))[-1].subject == "A second factor was set up"


async def test_what_rests_is_sealed_and_digested(console: Console) -> None:
    browser = await console.signed_up(new_email())
    app, codes = await set_up(browser)
    rows = await console.rows("SELECT person::text AS all, totp_sealed FROM control.person")
    written = "".join(row.all for row in rows)
    assert not [code for code in codes if code in written or code.replace("-", "") in written]
    assert not [row for row in rows if app.secret.encode() in (row.totp_sealed or b"")]


async def test_setting_it_up_ends_the_other_sessions(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    other = await console.signed_in(email)
    assert await _is_in(other)
    await set_up(browser)
    assert not await _is_in(other)
    assert await _is_in(browser)


async def test_a_wrong_code_sets_nothing_up_and_the_same_secret_is_offered_again(
    console: Console,
) -> None:
    browser = await console.signed_up(new_email())
    app, sealed = await begin_set_up(browser)
    answer = await browser.fill("/you/second-factor", sealed=sealed, code="000000")
    assert answer.status_code == 422
    assert app.secret in answer.text
    assert "Set it up" in (await browser.see("/you")).text


async def test_the_set_up_of_another_person_is_not_taken(console: Console) -> None:
    _, sealed = await begin_set_up(await console.signed_up(new_email()))
    browser = await console.signed_up(new_email())
    for presented in (sealed, "not base64 at all", ""):
        answer = await browser.fill("/you/second-factor", sealed=presented, code="000000")
        assert (answer.status_code, answer.headers["location"]) == (303, "/you/second-factor")
        picture = await browser.get("/you/second-factor/picture.svg", params={"sealed": presented})
        assert picture.status_code == 422


async def test_the_picture_is_a_file_of_ours_that_nothing_keeps(console: Console) -> None:
    browser = await console.signed_up(new_email())
    _, sealed = await begin_set_up(browser)
    picture = await browser.get("/you/second-factor/picture.svg", params={"sealed": sealed})
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.headers["cache-control"] == "no-store"
    assert "<svg" in picture.text
    assert "style=" not in picture.text


async def test_the_password_alone_is_half_a_session_that_opens_nothing(console: Console) -> None:
    email = new_email()
    app, _ = await set_up(await console.signed_up(email))
    browser = await half_signed_in(console, email, next="/you", remember="1")
    half = browser.session
    assert half
    for path in ("/you", "/you/second-factor", "/signin/again"):
        assert (await browser.get(path)).headers["location"] == "/signin/second"
    page = await browser.see("/signin/second?next=/you&remember=1")
    assert email not in page.text
    answer = await browser.fill("/signin/second", code=app.code, next="/you", remember="1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/you")
    assert "Max-Age=2592000" in answer.headers["set-cookie"]
    assert browser.session != half
    assert await _is_in(browser)
    assert not await console.rows(
        "SELECT 1 FROM control.session WHERE digest = :d", d=digest_of(half)
    )


async def test_a_wrong_code_opens_nothing(console: Console) -> None:
    email = new_email()
    await set_up(await console.signed_up(email))
    browser = await half_signed_in(console, email)
    answer = await browser.fill("/signin/second", code="000000", next="/")
    assert answer.status_code == 422
    assert not await _is_in(browser)


async def test_codes_are_guessed_ten_times_an_hour_from_however_many_sessions(
    console: Console,
) -> None:
    email = new_email()
    app, _ = await set_up(await console.signed_up(email))
    browser = await half_signed_in(console, email)
    for _ in range(9):  # the tenth was at the set-up
        assert (await browser.fill("/signin/second", code="000000")).status_code == 422
    other = await half_signed_in(console, email)
    answer = await other.fill("/signin/second", code=app.code)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 3000
    assert not await _is_in(other)


async def test_a_code_is_good_once(console: Console) -> None:
    email = new_email()
    app, _ = await set_up(await console.signed_up(email))
    first, second = await half_signed_in(console, email), await half_signed_in(console, email)
    code = app.code
    assert (await first.fill("/signin/second", code=code)).status_code == 303
    assert (await second.fill("/signin/second", code=code)).status_code == 422
    app.ahead -= 1  # nor is one from before it
    assert (await second.fill("/signin/second", code=app.code)).status_code == 422


@pytest.mark.parametrize("kind", ["app", "recovery"])
async def test_of_two_that_use_a_code_at_once_one_succeeds(console: Console, kind: str) -> None:
    email = new_email()
    app, codes = await set_up(await console.signed_up(email))
    code = app.code if kind == "app" else codes[3]
    browsers = [await half_signed_in(console, email) for _ in range(2)]
    answers = await asyncio.gather(*(each.fill("/signin/second", code=code) for each in browsers))
    assert sorted(each.status_code for each in answers) == [303, 422]


async def test_a_recovery_code_signs_in_once(console: Console) -> None:
    email = new_email()
    _, codes = await set_up(await console.signed_up(email))
    browser = await half_signed_in(console, email)
    assert (await browser.fill("/signin/second", code=codes[0].upper())).status_code == 303
    assert "9 recovery codes are left" in (await browser.see("/you")).text
    again = await half_signed_in(console, email)
    assert (await again.fill("/signin/second", code=codes[0])).status_code == 422
    assert (await again.fill("/signin/second", code=codes[1])).status_code == 303


async def test_new_recovery_codes_end_those_of_before(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    _, codes = await set_up(browser)
    await browser.see("/you/second-factor")
    page = await browser.fill("/you/second-factor/codes")
    assert page.text.count("<li><code>") == 10
    again = await half_signed_in(console, email)
    assert (await again.fill("/signin/second", code=codes[0])).status_code == 422


async def test_turned_off_the_password_is_enough_and_a_letter_says_so(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    await set_up(browser)
    await browser.see("/you/second-factor")
    assert (await browser.fill("/you/second-factor/off")).headers["location"] == "/you"
    assert (await console.letters(email))[-1].subject == "Your second factor was turned off"
    assert await _is_in(await console.signed_in(email))


async def test_a_new_password_by_letter_leaves_the_second_factor(console: Console) -> None:
    email = new_email()
    app, _ = await set_up(await console.signed_up(email))
    browser = console.browser()
    await browser.see("/reset")
    await browser.fill("/reset", email=email)
    link = await console.last_link(email)
    await browser.fill("/reset/choose", token=token_of(link), password="another long password")
    browser = await console.signed_in(email, "another long password")
    assert not await _is_in(browser)
    await browser.see("/signin/second")
    assert (await browser.fill("/signin/second", code=app.code)).status_code == 303


async def test_a_letter_of_sign_up_does_not_go_around_the_second_factor(console: Console) -> None:
    """The address was confirmed by a reset, so the first link is still unused."""
    email, stranger = new_email(), console.browser()
    await stranger.see("/signup")
    await stranger.fill("/signup", email=email, password=PASSWORD, account="Acme")
    old = await console.last_link(email)
    await stranger.fill("/reset", email=email)
    link = await console.last_link(email)
    await stranger.fill("/reset/choose", token=token_of(link), password=PASSWORD)
    await set_up(await console.signed_in(email))
    thief = console.browser()
    assert (await verify(thief, old)).status_code == 422
    assert not await _is_in(thief)
