"""Every page of the console: axe finds nothing, no policy is broken, and a phone need not scroll
sideways.

The pages are found: each route that shows one, with ids as the pages before it link to them.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import BrowserContext, async_playwright

from control_plane.app import create_console
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.passwords import Passwords
from control_plane.people.repository import add_person, change_person
from shared.domain.plan import PlanName
from shared.runtime.config import read_config
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.control_plane.everything import add_one_of_each
from tests.control_plane.people.browsing import PASSWORD, new_email
from tests.control_plane.routes import Route, Search, routes_of
from tests.journeys.looking import CHROMIUM, DESK, PATIENCE, axe_script, look_at_all
from tests.support import Installation, Server, ask_token, make_tenant

_STATUS = {"/invitation": 422, "/no-such-page": 404}  # a link of no invitation; others are 200

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
def search() -> Search:
    nowhere = Installation(owner_url="", control_url="postgresql://", data_url="")
    routes = routes_of(create_console(read_config(nowhere.environment())))
    mailbox = Route("GET", "/dev/mailbox", {"open": True})
    nothing = Route("GET", "/no-such-page", {})
    return Search([*(each for each in routes if each.shows_page), mailbox, nothing])


@pytest.fixture
async def email(server: Server, database: Database) -> str:
    """Make an account whose tenant has issued a token and refused one: no page is empty."""
    config = read_config(server.installation.environment(server.url))
    account = await make_account(database, PlanName.GROWTH)
    tenant = await make_tenant(database, config, account=account)
    await add_one_of_each(database, config, account, tenant.tenant_id, tenant.audience, "Acme")
    person_id, address = f"p_{token_hex(8)}", new_email()
    async with database.control() as connection:
        digest = await Passwords().digest(PASSWORD)
        await add_person(connection, person_id, address, digest)
        await change_person(connection, person_id, verified_at=datetime.now(UTC))
        await add_member(connection, account, person_id, Role.OWNER)
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await ask_token(http, tenant)).status_code == 200
        assert (await ask_token(http, tenant, scope="unknown")).status_code == 400
    return address


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_script()


@pytest.fixture
async def contexts(console_url: str, email: str) -> AsyncIterator[dict[bool, BrowserContext]]:
    """Give a visitor's (True: of what is open) and that of an account's owner."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = {
            is_open: await browser.new_context(
                base_url=console_url, viewport=DESK, reduced_motion="reduce"
            )
            for is_open in (True, False)
        }
        page = await made[False].new_page()
        await page.goto("/signin")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.wait_for_url(lambda url: "signin" not in url, timeout=PATIENCE)
        await page.close()
        yield made
        await browser.close()


@pytest.mark.timeout(600)  # seconds, of which a machine with nothing else to do needs some thirty
async def test_every_page_is_accessible_fits_a_phone_and_breaks_no_policy(
    search: Search, contexts: dict[bool, BrowserContext], axe: str
) -> None:
    wrong = await look_at_all(search, contexts, axe, _STATUS)
    assert not wrong, "\n".join(wrong)
    assert not search.left, f"no page links to {sorted(search.left)}"
