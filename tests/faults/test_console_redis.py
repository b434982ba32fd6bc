"""The console while its Redis is killed, stopped, flushed and full (faults.md row 5)."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.control_plane.people.browsing import (
    PASSWORD,
    Browser,
    Console,
    new_email,
    opened_console,
    token_of,
)
from tests.support import Installation
from tests.valkey import RunningValkey, run_valkey

_QUICK = 10.0  # seconds, on a machine where others are at work too
_NEW_PASSWORD = "another long password"

_SILENT: dict[str, tuple[Callable[[RunningValkey], object], Callable[[RunningValkey], object]]] = {
    "killed": (lambda valkey: valkey.kill(), lambda valkey: valkey.start()),
    "stopped": (
        lambda valkey: valkey.signal(signal.SIGSTOP),
        lambda valkey: valkey.signal(signal.SIGCONT),
    ),
}


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with run_valkey() as running:
        yield running


@pytest.fixture
async def console(installation: Installation, valkey: RunningValkey) -> AsyncIterator[Console]:
    async with opened_console(installation, REDIS_URL=valkey.url) as opened:
        yield opened


async def _signs_in(console: Console, email: str, password: str = PASSWORD) -> httpx.Response:
    browser = console.browser()
    page = await browser.see("/signin")
    assert page.status_code == 200, "who has no session yet needs no Redis"
    return await browser.fill("/signin", email=email, password=password)


def _says_so(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert "Nothing of yours was lost" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"


async def _until_it_is_back(browser: Browser) -> None:
    end = time.monotonic() + 30
    while (await browser.get("/you")).status_code == 503:
        assert time.monotonic() < end, "Redis was not found again"


@pytest.mark.parametrize("fault", _SILENT)
async def test_while_it_is_silent_the_console_says_so_and_soon(
    console: Console, valkey: RunningValkey, fault: str
) -> None:
    strike, heal = _SILENT[fault]
    email = new_email()
    browser = await console.signed_up(email)
    strike(valkey)
    began = time.monotonic()
    _says_so(await browser.get("/you"))
    _says_so(await browser.get("/you", headers={"HX-Request": "true"}))
    _says_so(await _signs_in(console, email))
    _says_so(await browser.fill("/signout"))
    assert time.monotonic() - began < _QUICK
    heal(valkey)
    if fault == "killed":  # and all that was in it is gone with it
        await _until_it_is_back(browser)
        assert (await browser.get("/you")).headers["location"] == "/signin?next=/you"
    else:
        await _until_it_is_back(browser)
        assert (await browser.get("/you")).status_code == 200


async def test_what_cannot_end_sessions_changes_no_password(
    console: Console, valkey: RunningValkey
) -> None:
    """Whoever chooses another password wants the thief's session to end with it."""
    email = new_email()
    await console.signed_up(email)
    browser = console.browser()
    await browser.see("/reset")
    await browser.fill("/reset", email=email)
    token = token_of(await console.last_link(email))
    valkey.kill()
    _says_so(await browser.fill("/reset/choose", token=token, password=_NEW_PASSWORD))
    valkey.start()
    for _ in range(8):  # ten attempts are too many
        answer = await _signs_in(console, email)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        await asyncio.sleep(1)
    assert answer.status_code == 303, "the former password is the password still"
    again = await browser.fill("/reset/choose", token=token, password=_NEW_PASSWORD)
    assert (again.status_code, again.headers["location"]) == (303, "/signin")
    assert (await _signs_in(console, email, _NEW_PASSWORD)).status_code == 303


async def test_flushed_it_has_everybody_sign_in_again_and_nothing_else_is_lost(
    console: Console, valkey: RunningValkey
) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    valkey.client.flushall()
    answer = await browser.get("/you")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=/you")
    assert (await _signs_in(console, email)).status_code == 303


async def test_full_it_keeps_who_is_in_and_lets_nobody_else_in(
    console: Console, valkey: RunningValkey
) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    valkey.client.config_set("maxmemory", "1")
    assert (await browser.get("/you")).status_code == 200
    _says_so(await _signs_in(console, email))
    assert (await browser.fill("/signout")).status_code == 303
    assert (await browser.get("/you")).status_code == 303
    valkey.client.config_set("maxmemory", "0")
    assert (await _signs_in(console, email)).status_code == 303


async def test_the_console_says_so_too_while_its_database_is_away(
    installation: Installation,
) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    async with opened_console(installation, DATABASE_URL=nowhere) as console:
        _says_so(await _signs_in(console, new_email()))
