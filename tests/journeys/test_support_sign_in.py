"""One of the staff in a real Chromium: a passkey on a virtual device, an account opened and given
back, and a password with codes.
"""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright

from control_plane.second_factors.rules import STEP, code_at
from control_plane.sessions.actions import Sessions
from control_plane.sessions.repository import STAFFS
from control_plane.staff.actions import StaffKeeper
from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from tests.control_plane.console import make_account

_CHROMIUM = shutil.which("chromium")
_PHONE: ViewportSize = {"width": 390, "height": 844}
_PASSWORD = "correct horse battery"
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
async def page(support_url: str) -> AsyncIterator[Page]:
    """Open a phone's page; what the browser's console says at its end must be nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(base_url=support_url, viewport=_PHONE)
        opened = await context.new_page()
        said: list[str] = []
        opened.on("console", lambda each: said.append(f"{each.type}: {each.text}"))
        opened.on("pageerror", lambda each: said.append(str(each)))
        yield opened
        await browser.close()
    wrong = [each for each in said if each.startswith(("error", "warning"))]
    assert [each for each in wrong if "status of 4" not in each] == []


async def _fits(page: Page, name: str) -> None:
    """See that a phone need not scroll sideways; with SCREENSHOTS=directory, take pictures."""
    wide = "document.documentElement.scrollWidth"
    assert await page.evaluate(wide) <= _PHONE["width"], page.url
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.screenshot(path=f"{directory}/support-{name}-{scheme}.png", full_page=True)
        await page.set_viewport_size({"width": 1280, "height": 900})
        await page.emulate_media(color_scheme="light")
        await page.screenshot(path=f"{directory}/support-{name}-desk.png", full_page=True)
        await page.set_viewport_size(_PHONE)


async def _invited(database: Database, role: StaffRole = StaffRole.LEAD) -> tuple[str, str]:
    """Make one of the staff: give the address, and the path of the link."""
    email = f"sam-{token_hex(4)}@staff.example"
    keeper = StaffKeeper(database, Sessions(STAFFS))
    token = await keeper.create(email, "Sam", role, datetime.now(UTC))
    return email, f"/support/enrol?token={token}"


async def _sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="Sign in to support").wait_for()


async def _enrol_by_passkey(page: Page, database: Database) -> None:
    _, link = await _invited(database)
    device = await page.context.new_cdp_session(page)
    await device.send("WebAuthn.enable")
    await device.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})

    await page.goto(link)
    await _fits(page, "enrol")
    await page.get_by_role("button", name="Make a passkey").click()
    await page.get_by_role("heading", name="Hello, Sam").wait_for()


async def test_a_passkey_signs_in(page: Page, database: Database) -> None:
    await _enrol_by_passkey(page, database)
    await _fits(page, "start")
    await _sign_out(page)
    await _fits(page, "sign-in")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_role("heading", name="Hello, Sam").wait_for()


async def test_an_account_is_opened_with_a_reason_and_given_back(
    page: Page, database: Database
) -> None:
    account = await make_account(database)
    await _enrol_by_passkey(page, database)
    await page.goto(f"/support/accounts/{account}/open")
    await _fits(page, "open")
    await page.get_by_role("button", name="Open for an hour").click()
    assert await page.get_by_label("Reason").evaluate("each => each.validity.valueMissing")
    await page.get_by_label("Reason").fill("Their tokens fail")
    await page.get_by_label("Ticket").fill("T-42")
    await page.get_by_role("button", name="Open for an hour").click()
    await page.wait_for_url(f"**/support/accounts/{account}")
    await page.goto("/support")
    await page.get_by_role("cell", name="Their tokens fail").wait_for()
    await _fits(page, "opened")
    await page.goto("/support/journal")
    await page.get_by_text("support.open").first.wait_for()
    await page.get_by_role("button", name="Verify chain").click()
    await page.get_by_text("events are as they were recorded").wait_for()
    await _fits(page, "journal")
    await page.goto("/support")
    await page.get_by_role("button", name="Give", exact=False).first.click()
    await page.get_by_role("heading", name="Nothing is open").wait_for()


async def test_a_password_and_a_code_of_an_app_are_the_other_way_in(
    page: Page, database: Database
) -> None:
    email, link = await _invited(database, StaffRole.READER)
    await page.goto(link)
    secret = await page.locator("#secret").inner_text()
    drawn = "document.querySelector('img.picture').naturalWidth > 0"
    await page.wait_for_function(drawn)

    def code(steps: int = 0) -> str:
        return code_at(secret, int(datetime.now(UTC).timestamp()) // STEP + steps)

    await page.get_by_role("textbox", name="Password").fill(_PASSWORD)
    await page.get_by_label("Code that the app shows").fill(code())
    await page.get_by_role("button", name="Set up and sign in").click()
    await page.get_by_role("heading", name="Hello, Sam").wait_for()
    await _sign_out(page)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("textbox", name="Password").fill(_PASSWORD)
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_role("heading", name="Second step").wait_for()
    await _fits(page, "second")
    await page.get_by_label("Code").fill(code(1))
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", name="Hello, Sam").wait_for()
    await page.goto(link)
    await page.get_by_text("this link is too old or was used already").wait_for()
