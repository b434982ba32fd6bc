"""Buying, changing and leaving a plan by the pages, as Stripe's double answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from control_plane.accounts.actions import show_limits
from control_plane.app import create_console
from control_plane.billing import stripe_gateway
from control_plane.billing.catalogue import sync
from control_plane.billing.stripe_gateway import open_gateway
from control_plane.members.rules import Role
from shared.domain.plan import PlanName
from shared.runtime.config import read_config
from shared.runtime.database import Database
from tests.control_plane.applications import running
from tests.control_plane.console import CONSOLE_URL, Browser, Console, make_account, text_of
from tests.stripe_double.faults import Fault
from tests.stripe_double.server import StripeDouble, run_stripe_double
from tests.support import Installation


class Shop:
    """A console that sells, and Stripe's side of it."""

    def __init__(self, console: Console, double: StripeDouble) -> None:
        self.console = console
        self.double = double

    async def pay(self, answer: httpx.Response, card: str = "visa") -> str:
        """Fill in Stripe's page; give where it leads back to."""
        assert answer.status_code == 303
        url = answer.headers["location"]
        assert url.startswith(self.double.url)
        async with httpx.AsyncClient() as client:
            paid = await client.post(url, data={"card": card})
        back = paid.headers.get("location", "")
        return str(back.removeprefix(CONSOLE_URL))

    @asynccontextmanager
    async def customer(self, plan: str = "growth") -> AsyncIterator[Browser]:
        """Give the browser of someone whose account has bought a plan."""
        account = await make_account(self.console.database)
        async with self.console.signed_in(account, Role.BILLING) as browser:
            back = await self.pay(await browser.post(f"/billing/plans/{plan}", pay="monthly"))
            assert "Thank you" in (await browser.get(back)).text
            yield browser

    async def plan_of(self, browser: Browser) -> PlanName:
        found = await show_limits(self.console.database, browser.account_id)
        return found.chosen.plan


@pytest.fixture
async def shop(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    monkeypatch.setattr(stripe_gateway, "_TRIES_MORE", 0)  # nor wait between them
    with run_stripe_double() as double:
        config = read_config(
            installation.environment()
            | {
                "CONSOLE_URL": CONSOLE_URL,
                "STRIPE_API_KEY": double.key,
                "STRIPE_WEBHOOK_SECRET": double.secret,
                "STRIPE_API_BASE": double.url,
            }
        )
        stripe = open_gateway(double.key, double.url)
        assert stripe is not None
        await sync(stripe)
        await stripe.close()
        application = create_console(config)
        async with running(application):
            yield Shop(Console(application, config, database), double)


async def test_a_first_purchase_goes_through_checkout_and_its_plan_is_there_on_the_way_back(
    shop: Shop,
) -> None:
    account = await make_account(shop.console.database)
    async with shop.console.signed_in(account, Role.BILLING) as browser:
        assert "Billing is not set up" not in (await browser.get("/billing")).text
        asked = await browser.get("/billing/plans/growth?pay=yearly")
        assert "Sandbox to Growth, $986 a year" in text_of(asked)
        assert "You enter your card on a page of Stripe" in text_of(asked)
        answer = await browser.post("/billing/plans/growth", pay="yearly")
        policy = answer.headers["content-security-policy"]
        assert f"https://billing.stripe.com {shop.double.url};" in policy
        assert await shop.pay(answer, "chargeDeclined") == ""
        assert await shop.plan_of(browser) is PlanName.SANDBOX
        page = text_of(await browser.get(await shop.pay(answer)))
        assert "Growth Price $986 a year" in page
        assert await shop.plan_of(browser) is PlanName.GROWTH


async def test_a_trial_needs_no_card_and_is_had_once(shop: Shop) -> None:
    async with shop.console.signed_in(await make_account(shop.console.database)) as browser:
        assert "Try Growth for 14 days" in (await browser.get("/billing")).text
        assert (await browser.post("/billing/trial")).headers["location"] == "/billing?done=trial"
        page = text_of(await browser.get("/billing?done=trial"))
        assert "Trial free until" in page
        assert "Try Growth" not in page
        assert (await browser.post("/billing/trial")).status_code == 422
        assert "Growth to Growth" in text_of(await browser.get("/billing/plans/growth"))


async def test_an_upgrade_says_what_is_due_and_is_had_at_once(shop: Shop) -> None:
    async with shop.customer() as browser:
        page = text_of(await browser.get("/billing/plans/scale?pay=monthly"))
        assert "Growth to Scale, $249 a month" in page
        assert "$150 , from the card that we have" in page
        answer = await browser.post("/billing/plans/scale", pay="monthly")
        assert answer.headers["location"] == "/billing?done=changed"
        assert await shop.plan_of(browser) is PlanName.SCALE
        page = text_of(await browser.get("/billing"))
        assert "Next invoice, as it stands For Amount" in page
        assert "$249" in page


async def test_less_comes_at_the_periods_end_and_until_then_can_be_taken_back(shop: Shop) -> None:
    async with shop.customer() as browser:
        page = text_of(await browser.get("/billing/plans/starter?pay=monthly"))
        assert "Clients 100 25" in page
        assert "Until then you can change your mind" in page
        for plan, told in (
            ("starter", "the plan becomes Starter"),
            ("sandbox", "The plan ends on"),
        ):
            answer = await browser.post(f"/billing/plans/{plan}", pay="monthly")
            assert answer.headers["location"] == "/billing?done=later"
            assert told in text_of(await browser.get("/billing/plans"))
            assert await shop.plan_of(browser) is PlanName.GROWTH
            assert (await browser.post("/billing/keep")).status_code == 303
            assert told not in text_of(await browser.get("/billing/plans"))


async def test_overage_is_turned_on_with_a_cap_and_off(shop: Shop) -> None:
    async with shop.customer() as browser:
        assert "Before tax" in (await browser.get("/billing/overage")).text
        wrong = await browser.post("/billing/overage", overage="on", cap="a lot")
        assert wrong.status_code == 422
        assert 'value="a lot"' in wrong.text
        assert (await browser.post("/billing/overage", overage="on", cap="50")).status_code == 303
        page = await browser.get("/billing/overage")
        assert 'value="50"' in page.text
        assert "on, up to $50 a month" in (await browser.get("/billing")).text
        await browser.post("/billing/overage", overage="off", cap="50")
        assert "off: tokens stop at 110 %" in (await browser.get("/billing")).text


async def test_invoices_the_portal_and_the_address_that_they_go_to(shop: Shop) -> None:
    async with shop.customer() as browser:
        page = await browser.get("/billing/invoices")
        assert "$99 Paid" in text_of(page)
        assert f'href="{shop.double.url}/invoices/' in page.text
        portal = await browser.post("/billing/portal")
        assert portal.headers["location"].startswith(f"{shop.double.url}/p/session/")
        wrong = await browser.post("/billing/details", email="nobody")
        assert wrong.status_code == 422
        assert 'value="nobody"' in wrong.text
        await browser.post("/billing/details", email="Books@acme.example")
        assert 'value="books@acme.example"' in (await browser.get("/billing/invoices")).text


async def test_while_stripe_is_away_the_pages_show_the_books_and_changes_say_so(
    shop: Shop,
) -> None:
    async with shop.customer() as browser:
        shop.double.faults.add(Fault(status=503, times=None))
        for path in ("/billing", "/billing/plans", "/billing/overage", "/billing/invoices"):
            page = await browser.get(path)
            assert page.status_code == 200
            assert "Growth" in page.text
        for path in ("/billing/plans/scale", "/billing/portal"):
            refused = await browser.post(path, pay="monthly")
            assert refused.status_code == 422
            assert "Stripe does not answer just now" in refused.text
        assert await shop.plan_of(browser) is PlanName.GROWTH
