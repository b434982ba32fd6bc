"""One of the staff sees a customer's console, read-only, in a real Chromium: the way over, whose
view it is on each page, and its end by one click. With SCREENSHOTS=directory there are pictures.
"""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.cookies import SUPPORT
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.grants import open_grant
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import Reason, StaffRole
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.support import Installation, MadeTenant, make_tenant, opened

_CHROMIUM = shutil.which("chromium")
_PHONE: ViewportSize = {"width": 390, "height": 844}
_DESK: ViewportSize = {"width": 1280, "height": 900}
_WIDTH = "document.documentElement.scrollWidth"

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
async def customer(database: Database, config: Config) -> tuple[str, MadeTenant]:
    account = await make_account(database)
    return account, await make_tenant(database, config, account=account)


@pytest.fixture
async def page(
    both_urls: tuple[str, str],
    database: Database,
    installation: Installation,
    customer: tuple[str, MadeTenant],
) -> AsyncIterator[Page]:
    """A page of an agent who has opened the account; no policy of what it may load is broken."""
    staff_id, now = f"st_{token_hex(8)}", datetime.now(UTC)
    by = Actor(kind=ActorKind.STAFF, id=staff_id, email=f"{staff_id}@staff.example")
    async with database.control() as connection:
        assert await add_staff(connection, staff_id, by.email, "Sam", StaffRole.AGENT)
        begun = await Sessions(STAFFS).begin(
            connection, SessionKind.STAFF, staff_id, None, Visitor("127.0.0.1", "test"), now
        )
    async with opened(installation.support_url) as own:
        assert await open_grant(own, by, customer[0], Reason(reason="They wrote"), now)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(base_url=both_urls[0], viewport=_DESK)
        await context.add_cookies(
            [
                {
                    "name": SUPPORT.session,
                    "value": begun.token,
                    "url": both_urls[0].replace("http:", "https:"),  # as browsers see localhost
                    "secure": True,
                }
            ]
        )
        said: list[str] = []
        context.on("console", lambda each: said.append(each.text))
        yield await context.new_page()
        await browser.close()
    assert [each for each in said if "Content Security Policy" in each] == []


async def _look(page: Page, name: str) -> None:
    """See that a phone need not scroll sideways; take pictures where they are wanted."""
    directory = os.environ.get("SCREENSHOTS")
    for width, size in (("phone", _PHONE), ("desk", _DESK)):
        await page.set_viewport_size(size)
        assert await page.evaluate(_WIDTH) <= size["width"], (page.url, width)
        for scheme in ("light", "dark") if directory else ():
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.screenshot(path=f"{directory}/view-{name}-{width}-{scheme}.png")


async def _hand_over(page: Page, account: str) -> Page:
    """Begin a view, and give the tab of the console that opens."""
    await page.goto(f"/support/accounts/{account}/view")
    await _look(page, "asked")
    await page.get_by_label("Reason").last.fill("They see no clients")
    await page.get_by_role("button", name="Begin a read-only view").click()
    await page.get_by_role("heading", name="The view is ready").wait_for()
    await _look(page, "ready")
    async with page.context.expect_page() as opening:
        await page.get_by_role("button", name="Open the console").click()
    return await opening.value


async def test_they_are_helped_by_seeing_what_they_see(
    page: Page, both_urls: tuple[str, str], customer: tuple[str, MadeTenant]
) -> None:
    account, tenant = customer
    console = await _hand_over(page, account)
    banner = console.get_by_role("status").filter(has_text="read-only, until")
    await banner.wait_for()
    assert console.url == f"{both_urls[1]}/tenants"
    for name, path in (
        ("tenants", "/tenants"),
        ("clients", f"/tenants/{tenant.slug}/clients"),
        ("audit", "/audit"),
        ("refused", "/you"),
    ):
        await console.goto(f"{both_urls[1]}{path}")
        await banner.wait_for()
        await _look(console, name)
    await console.get_by_role("button", name="End").click()
    await console.get_by_role("heading", name="The view is over").wait_for()
    await _look(console, "over")
    await console.goto(f"{both_urls[1]}/tenants")
    assert console.url.startswith(f"{both_urls[1]}/signin")
