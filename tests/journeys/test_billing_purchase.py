"""From the first purchase to the last day of a plan, in a real Chromium: `dev`, and the double of
Stripe that it runs.

With SCREENSHOTS=directory there is a picture of each page on the way.
"""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from control_plane.cli.settings import read_kept
from tests.conftest import free_port
from tests.control_plane.cli.development import run_dev

_CHROMIUM = shutil.which("chromium")
_PASSWORD = "correct horse battery"
_PATIENCE = 60_000  # milliseconds
_PHONE, _DESK = 390, 1280  # pixels

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


class Shop:
    """The page of someone who buys, and where Stripe's clock is moved."""

    def __init__(self, page: Page, stripe: str) -> None:
        self.page = page
        self._stripe = stripe
        self._seen = 0

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def choose(self, plan: str, button: str) -> None:
        """Choose the plan in the table, and say yes on the page that says what comes of it."""
        await self.page.goto("/billing/plans")
        await self.look()
        await self.page.get_by_role("link", name=plan, exact=True).click()
        await self.page.get_by_role("button", name=button, exact=True).wait_for()
        await self.look()
        await self.press(button)

    async def says(self, words: str) -> None:
        await self.page.get_by_text(words).first.wait_for()
        await self.look()

    async def comes_to_say(self, words: str, *, there: bool = True) -> None:
        """Load the page until it does: what Stripe tells us is worked off beside it."""
        for _ in range(150):
            await self.page.goto("/billing")
            if (await self.page.get_by_text(words).count() > 0) is there:
                await self.look()
                return
            await self.page.wait_for_timeout(200)
        pytest.fail(f"{words!r}: {await self.page.inner_text('main')}")

    async def a_month_goes_by(self) -> None:
        await self.page.goto(self._stripe)
        await self.press("31 days")

    async def look(self) -> None:
        """See that a phone need not scroll sideways; keep a picture where one is asked for."""
        self._seen += 1
        directory = os.environ.get("SCREENSHOTS")
        for kind, width in (("desk", _DESK), ("phone", _PHONE)):
            await self.page.set_viewport_size({"width": width, "height": 900})
            wide = await self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, self.page.url
            if directory:
                await self.page.screenshot(
                    path=f"{directory}/buys-{self._seen:02}-{kind}.png", full_page=True
                )
        await self.page.set_viewport_size({"width": _DESK, "height": 900})


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A page; the policy of what it may load must not have been broken when it is left."""
    port, console_port = free_port(), free_port()
    with run_dev(tmp_path / "D", port, "--json", "--console-port", str(console_port)) as dev:
        base_url = str(dev.announced()["console_url"])
        stripe = read_kept(tmp_path / "D")["STRIPE_API_BASE"]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            context = await browser.new_context(base_url=base_url)
            said: list[str] = []
            context.on("console", lambda each: said.append(each.text))
            page = await context.new_page()
            page.set_default_timeout(_PATIENCE)
            yield Shop(page, stripe)
            await browser.close()
    assert [each for each in said if "Content Security Policy" in each] == []


@pytest.mark.timeout(600)  # seconds, of which a machine with nothing else to do needs some twenty
async def test_someone_buys_upgrades_fails_to_pay_recovers_downgrades_and_cancels(
    shop: Shop,
) -> None:
    await _sign_up(shop.page)
    await _buy(shop)
    await _fail_to_pay(shop)
    await _leave(shop)


async def _buy(shop: Shop) -> None:
    await shop.choose("Choose Growth", "Go to checkout")
    await shop.press("Pay")
    await shop.says("Thank you.")
    await shop.comes_to_say("Growth plan")

    await shop.choose("Choose Scale", "Pay and change now")
    await shop.says("The plan is changed.")
    await shop.comes_to_say("Scale plan")


async def _fail_to_pay(shop: Shop) -> None:
    await shop.page.goto("/billing/invoices")
    await shop.look()
    await shop.press("Manage in Stripe")
    await shop.press("Use a card that will fail")
    await shop.a_month_goes_by()
    await shop.comes_to_say("A payment failed.")
    assert await shop.page.get_by_text("Scale plan").count(), "the plan goes on for 14 days"

    await shop.press("Mend the payment")
    await shop.press("Use a good card")
    await shop.press("Pay now")
    await shop.comes_to_say("A payment failed.", there=False)


async def _leave(shop: Shop) -> None:
    await shop.choose("Choose Starter", "Change at the end of the period")
    await shop.says("then it is Starter")
    await shop.press("Keep Scale")
    await shop.says("Everything stays as it is.")
    await shop.choose("Cancel Scale", "Cancel at the end of the period")
    await shop.says("then it is Sandbox")
    await shop.a_month_goes_by()
    await shop.comes_to_say("Sandbox plan")
    await shop.page.goto("/billing/invoices")
    assert await shop.page.get_by_role("link", name="PDF of invoice").count() >= 3


async def _sign_up(page: Page) -> None:
    await page.goto("/signup")
    await page.get_by_label("E-mail").fill("buyer@acme.example")
    await page.get_by_label("Password").fill(_PASSWORD)
    await page.get_by_label("Company or project").fill("Acme")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("heading", name="Check your mail").wait_for()
    links = page.locator("a[href*='/verify?token=']")
    for _ in range(100):
        await page.goto("/dev/mailbox")
        if await links.count():
            break
        await page.wait_for_timeout(200)
    await page.goto(str(await links.first.get_attribute("href")))
    await page.get_by_role("button", name="Confirm and go on").click()
    await page.wait_for_url("**/start")
