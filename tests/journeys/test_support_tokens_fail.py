"""Their tokens fail: one of the staff finds why, by a request id or a client id, in Chromium.

With SCREENSHOTS=directory there is a picture of each answer.
"""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from control_plane.accounts.actions import set_limits
from control_plane.accounts.rules import LimitsChange
from control_plane.clients.actions import disable_client
from control_plane.http.cookies import SUPPORT
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import StaffRole
from control_plane.tenants.actions import suspend_tenant
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.faults.load import until_true
from tests.support import MadeTenant, ask_token, make_tenant

_CHROMIUM = shutil.which("chromium")
_PATIENCE = 60_000  # milliseconds

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
async def page(support_url: str, database: Database) -> AsyncIterator[Page]:
    """A page of one of the staff, who may only read; no policy of what it may load is broken."""
    staff_id = f"st_{token_hex(8)}"
    async with database.control() as connection:
        email = f"{staff_id}@staff.example"
        assert await add_staff(connection, staff_id, email, "Rea", StaffRole.READER)
        visitor = Visitor("127.0.0.1", "test")
        begun = await Sessions(STAFFS).begin(
            connection, SessionKind.STAFF, staff_id, None, visitor, datetime.now(UTC)
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
        opened.set_default_timeout(_PATIENCE)
        yield opened
        await browser.close()
    assert [each for each in said if "Content Security Policy" in each] == []


@pytest.fixture
async def customers(database: Database, config: Config) -> dict[str, MadeTenant]:
    """Four customers, each with a trouble of its own."""
    made: dict[str, MadeTenant] = {}
    accounts: dict[str, str] = {}
    for trouble in ("scope", "disabled", "quota", "suspended"):
        accounts[trouble] = await make_account(database, PlanName.STARTER)
        made[trouble] = await make_tenant(database, config, account=accounts[trouble])
    disabled, quota = made["disabled"], accounts["quota"]
    await disable_client(database, disabled.tenant_id, disabled.client.client_id)
    await set_limits(database, quota, LimitsChange(tokens=1))
    await suspend_tenant(database, made["suspended"].slug)
    return made


async def test_why_tokens_fail_is_read_from_a_request_id_and_from_a_client_id(
    page: Page, customers: dict[str, MadeTenant], http: httpx.AsyncClient
) -> None:
    asked = {"scope": "read everything"}
    requests = {
        name: await _refused(http, tenant, **(asked if name == "scope" else {}))
        for name, tenant in customers.items()
    }

    await _see_scope(page, requests["scope"])
    await _see_disabled(page, requests["disabled"], customers["disabled"])
    await _see_quota(page, requests["quota"], customers["quota"])
    await _see_suspended(page, requests["suspended"], customers["suspended"])


async def _see_scope(page: Page, request_id: str) -> None:
    await _find(page, request_id)
    await _open(page)
    await _reads(page, "a scope that the client is not granted", "Granted for", "read write")
    await page.get_by_label("Scopes asked for").fill("read everything")
    await page.get_by_role("button", name="Look again").click()
    await _reads(page, "The client is not granted: everything.", "of no API of the tenant")
    await _look(page, "scope")


async def _see_disabled(page: Page, request_id: str, tenant: MadeTenant) -> None:
    await _find(page, tenant.client.client_id)
    await _open(page)
    await _reads(page, "The client “first” is disabled.", "client.disable by operator")
    await _look(page, "disabled")
    await _find(page, request_id)
    await _reads(page, "The client “first” is disabled.", "enable it on its page")


async def _see_quota(page: Page, request_id: str, tenant: MadeTenant) -> None:
    await _find(page, request_id)
    await _open(page)
    await _reads(page, "tokens of this month are used up", "At 1 no more are issued.")
    await _look(page, "quota")
    await _find(page, tenant.client.client_id)
    await _reads(page, "tokens of this month are used up")


async def _see_suspended(page: Page, request_id: str, tenant: MadeTenant) -> None:
    await _find(page, tenant.client.client_id)
    await _open(page)
    await _reads(page, "The customer has suspended the tenant", "resume it under Settings")
    await _find(page, request_id)
    await _reads(page, "The customer has suspended the tenant")
    await _look(page, "suspended")


async def _refused(http: httpx.AsyncClient, tenant: MadeTenant, **parameters: str) -> str:
    """Ask until it is refused, as the service of a customer would; give the request's id."""
    answers: list[httpx.Response] = []

    async def is_refused() -> bool:
        answers.append(await ask_token(http, tenant, **parameters))
        return answers[-1].status_code not in {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}

    await until_true(is_refused, "nothing was refused")
    return answers[-1].headers["x-request-id"]


async def _find(page: Page, typed: str) -> None:
    """Search from the head of the page until what was refused is written down."""

    async def is_found() -> bool:
        await page.goto("/support")
        await page.get_by_label("Find a customer").last.fill(typed)
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        return "/support/accounts/" in page.url

    await until_true(is_found, f"{typed} was not found")


async def _open(page: Page) -> None:
    """Say why, where the account is opened for the first time; the page that was found follows."""
    await page.get_by_label("Reason").fill("They write that their tokens fail")
    await page.get_by_label("Ticket").fill("T-42")
    await page.get_by_role("button", name="Open for an hour").click()


async def _reads(page: Page, *words: str) -> None:
    for each in words:
        await page.locator("main").get_by_text(each).first.wait_for()


async def _look(page: Page, name: str) -> None:
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        await page.screenshot(path=f"{directory}/tokens-fail-{name}.png", full_page=True)
