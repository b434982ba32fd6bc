"""A person's own pages in a real Chromium: a second factor, and a passkey on a virtual device."""

import os
import shutil
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright
from sqlalchemy import update

from control_plane.second_factors.rules import STEP, code_at
from shared.runtime.database import Database
from shared.runtime.tables.people import session
from tests.control_plane.people.browsing import PASSWORD, last_letter, new_email

_CHROMIUM = shutil.which("chromium")
_PHONE: ViewportSize = {"width": 390, "height": 844}
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
async def page(console_url: str) -> AsyncIterator[Page]:
    """Open a phone's page; what the browser's console says at its end must be nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(base_url=console_url, viewport=_PHONE)
        opened = await context.new_page()
        said: list[str] = []
        opened.on("console", lambda each: said.append(f"{each.type}: {each.text}"))
        opened.on("pageerror", lambda each: said.append(str(each)))
        yield opened
        await browser.close()
    wrong = [each for each in said if each.startswith(("error", "warning"))]
    assert [each for each in wrong if "status of 404" not in each] == []


async def _sign_up(page: Page, database: Database) -> str:
    email = new_email()
    await page.goto("/signup")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Company or project").fill("Acme")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("heading", name="Check your mail").wait_for()
    await page.goto((await last_letter(database, email)).link)
    await page.get_by_role("button", name="Confirm and go on").click()
    await page.wait_for_url("**/start")
    return email


async def _fits(page: Page) -> None:
    """See that a phone need not scroll sideways."""
    wide = "document.documentElement.scrollWidth"
    assert await page.evaluate(wide) <= _PHONE["width"], page.url
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        name = page.url.partition("?")[0].split("/", 3)[3].replace("/", "-") or "start"
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.screenshot(path=f"{directory}/{name}-{scheme}.png", full_page=True)


async def _sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out", exact=True).first.click()
    await page.wait_for_url("**/signin")


async def test_a_second_factor_is_set_up_and_asked_for(page: Page, database: Database) -> None:
    email = await _sign_up(page, database)
    secret, step = await _set_up(page)
    await _sign_out(page)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Second step").wait_for()
    await _fits(page)
    await page.get_by_label("Code").fill(code_at(secret, step + 1))
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "second" not in url)
    await page.goto("/you")
    await page.get_by_text("10 recovery codes are left").wait_for()


async def _set_up(page: Page) -> tuple[str, int]:
    """Turn the second factor on, with an app a little late; give its secret and step."""
    await page.goto("/you")
    await _fits(page)
    await page.get_by_role("link", name="Set it up").click()
    picture = page.get_by_role("img", name="Code to scan")
    await picture.wait_for()
    assert await picture.evaluate("each => each.complete && each.naturalWidth > 0")
    await _fits(page)
    secret = await page.locator("#secret").inner_text()
    step = int(time.time()) // STEP - 1
    await page.get_by_label("Code", exact=True).fill(code_at(secret, step))
    await page.get_by_role("button", name="Turn it on").click()
    await page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert await page.locator("ol code").count() == 10
    await _fits(page)
    await page.get_by_role("link", name="I have kept them").click()
    return secret, step


async def test_a_passkey_is_made_and_signs_in(page: Page, database: Database) -> None:
    protocol = await page.context.new_cdp_session(page)
    await protocol.send("WebAuthn.enable")
    await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    email = await _sign_up(page, database)
    await page.goto("/you/passkeys")
    await page.get_by_label("Name").fill("Work laptop")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_role("cell", name="Work laptop", exact=True).wait_for()
    await _fits(page)
    await _prove_again(page, database)
    await page.goto("/you")
    await _sign_out(page)
    await _fits(page)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url(lambda url: "signin" not in url)
    await page.goto("/you")
    await page.get_by_text(email).first.wait_for()


async def _prove_again(page: Page, database: Database) -> None:
    """Have the proof grow old; the passkey is another."""
    async with database.control() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=11)
        await connection.execute(update(session).values(stepped_up_at=long_ago))
    await page.goto("/you/passkeys")
    await page.get_by_role("heading", name="Is it you?").wait_for()
    await _fits(page)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("cell", name="Work laptop", exact=True).wait_for()
