"""They paid and are still limited: one of the staff finds why, and mends it, in a real Chromium.

Stripe's webhook was lost: the double of Stripe delivers nothing here. With SCREENSHOTS=directory
there is a picture of each page on the way.
"""

import os
import shutil
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from control_plane.billing.books import QUEUE
from control_plane.billing.catalogue import sync
from control_plane.http.cookies import SUPPORT
from control_plane.jobs.queue import Work
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import StaffRole
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.background import NO_MAIL, forget_jobs, jobs_done
from tests.control_plane.billing.shop import Shop
from tests.stripe_double.server import run_stripe_double
from tests.support import Installation, MadeTenant, ask_token, make_tenant

_CHROMIUM = shutil.which("chromium")
_PATIENCE = 60.0  # seconds
_SANDBOX, _GROWTH = '"rate";q=10;w=2', '"rate";q=400;w=2'

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
async def shop(database: Database, installation: Installation) -> AsyncIterator[Shop]:
    """A shop whose jobs run, and to which Stripe delivers nothing."""
    await forget_jobs(database)
    with run_stripe_double() as double:
        shop = Shop(database, double)
        await sync(shop.stripe)
        double.store.undelivered.clear()
        async with jobs_done(installation, Work(database, NO_MAIL, shop.books), QUEUE):
            yield shop
        await shop.stripe.close()


@pytest.fixture
async def page(support_url: str, database: Database) -> AsyncIterator[Page]:
    """A page of one of the staff for billing; no policy of what it may load is broken."""
    staff_id, now = f"st_{token_hex(8)}", datetime.now(UTC)
    async with database.control() as connection:
        email = f"{staff_id}@staff.example"
        assert await add_staff(connection, staff_id, email, "Bill", StaffRole.BILLING)
        begun = await Sessions(STAFFS).begin(
            connection, SessionKind.STAFF, staff_id, None, Visitor("127.0.0.1", "test"), now
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(base_url=support_url)
        await context.add_cookies(
            [
                {
                    "name": SUPPORT.session,
                    "value": begun.token,
                    "url": support_url.replace("http:", "https:"),  # as browsers see localhost
                    "secure": True,
                }
            ]
        )
        said: list[str] = []
        context.on("console", lambda each: said.append(each.text))
        opened = await context.new_page()
        opened.set_default_timeout(_PATIENCE * 1000)
        yield opened
        await browser.close()
    assert [each for each in said if "Content Security Policy" in each] == []


async def test_they_paid_and_are_still_limited(
    page: Page, shop: Shop, database: Database, config: Config
) -> None:
    account, email = await shop.new_account(), f"buyer-{token_hex(4)}@acme.example"
    tenant = await make_tenant(database, config, account=account)
    person_id = f"p_{token_hex(8)}"
    async with database.control() as connection:
        await add_person(connection, person_id, email, None)
        await add_member(connection, account, person_id, Role.OWNER)
    await shop.buy(account, PlanName.GROWTH)
    await _is_told(tenant, _SANDBOX)

    began = time.monotonic()
    await _open_by_address(page, email)
    await page.get_by_role("link", name="Payments", exact=True).first.click()
    await page.get_by_text("Stripe has told us nothing of this account").wait_for()
    await _look(page, "limited")
    await page.get_by_role("link", name="fetch what is missing").click()
    await _fetch_missing(page)
    await _comes_to_say(page, f"/support/accounts/{account}/payments", "Growth plan")
    await _look(page, "mended")
    await page.get_by_role("link", name="customer.subscription.created").first.click()
    await page.get_by_role("heading", name="Payload").wait_for()
    await _look(page, "event")
    await _is_told(tenant, _GROWTH)
    assert time.monotonic() - began < _PATIENCE, "within a minute"


async def _open_by_address(page: Page, email: str) -> None:
    await page.goto("/support")
    main = page.locator("main")
    await main.get_by_role("searchbox").fill(email)
    await main.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Account ").first.click()
    await page.get_by_label("Reason").fill("They paid and are still limited")
    await page.get_by_label("Ticket").fill("T-7")
    await page.get_by_role("button", name="Open for an hour").click()


async def _fetch_missing(page: Page) -> None:
    await page.get_by_text("Fetch missing", exact=True).first.click()
    await page.get_by_label("Reason").fill("The webhook of their purchase was lost")
    await _look(page, "fetch")
    await page.get_by_role("button", name="Fetch missing").click()
    await page.get_by_role("heading", name="Lost events").wait_for()


async def _is_told(tenant: MadeTenant, policy: str) -> None:
    """Ask for tokens until the data plane tells of this rate."""
    end = time.monotonic() + _PATIENCE
    async with httpx.AsyncClient(timeout=30) as http:
        while True:
            answer = await ask_token(http, tenant)
            if answer.headers.get("ratelimit-policy", "").partition(",")[0] == policy:
                return
            assert time.monotonic() < end, dict(answer.headers)


async def _comes_to_say(page: Page, path: str, words: str) -> None:
    """Load the page until it does: the jobs work beside it."""
    end = time.monotonic() + _PATIENCE
    await page.goto(path)
    while not await page.get_by_text(words).count():
        assert time.monotonic() < end, await page.inner_text("main")
        await page.wait_for_timeout(100)
        await page.reload()


async def _look(page: Page, name: str) -> None:
    """See that a phone need not scroll sideways; keep pictures where they are asked for."""
    directory = os.environ.get("SCREENSHOTS")
    for kind, width in (("desk", 1280), ("phone", 390)):
        await page.set_viewport_size({"width": width, "height": 900})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, page.url
        if directory:
            await page.screenshot(path=f"{directory}/paid-{name}-{kind}.png", full_page=True)
    await page.set_viewport_size({"width": 1280, "height": 900})
