"""An abuser: one of the staff finds who stands out, throttles and suspends them, in Chromium.

The real data plane follows each, and the customer reads why. With SCREENSHOTS=directory there is a
picture of each page on the way.
"""

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from secrets import token_hex

import asyncpg
import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright

from control_plane.http.cookies import CONSOLE, SUPPORT
from control_plane.jobs.queue import SUPPORT as QUEUE
from control_plane.jobs.queue import Work
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import PEOPLES, STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import StaffRole
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.background import NO_MAIL, forget_jobs, jobs_done
from tests.control_plane.console import make_account
from tests.faults.load import until_true
from tests.journeys.looking import CHROMIUM, PATIENCE
from tests.support import Installation, MadeTenant, ask_token, make_tenant

_REASON = "Thousands of wrong secrets a minute"
_LOUD = 3_000_000  # wrong secrets: more than what other tests count
_THROTTLED = '"rate";q=2;w=2'

_VISITOR = Visitor("127.0.0.1", "test")

_log = logging.getLogger(__name__)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database, PlanName.STARTER)


@pytest.fixture
async def abuser(
    database: Database, config: Config, installation: Installation, account: str
) -> MadeTenant:
    """A tenant whose wrong secrets the ledger has counted, more than those of all others."""
    made = await make_tenant(database, config, account=account)
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute(
        "INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)"
        " VALUES (date_trunc('hour', now()), 0, $1, 1, $2, 'c_1', '', 'refused:invalid_client')",
        _LOUD,
        made.tenant_id,
    )
    await owner.close()
    return made


@pytest.fixture
async def jobs(database: Database, installation: Installation) -> AsyncIterator[None]:
    """What support asks for is done, as `serve jobs` does it."""
    await forget_jobs(database)
    async with jobs_done(installation, Work(database, NO_MAIL), QUEUE):
        yield


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        await launched.close()


@pytest.fixture
async def agent(browser: Browser, support_url: str, database: Database) -> Page:
    staff_id = f"st_{token_hex(8)}"
    async with database.control() as connection:
        email = f"{staff_id}@staff.example"
        assert await add_staff(connection, staff_id, email, "Ada", StaffRole.AGENT)
        begun = await Sessions(STAFFS).begin(
            connection, SessionKind.STAFF, staff_id, None, _VISITOR, datetime.now(UTC)
        )
    return await _page(browser, support_url, SUPPORT.session, begun.token)


@pytest.fixture
async def owner(browser: Browser, console_url: str, database: Database, account: str) -> Page:
    person_id = f"p_{token_hex(8)}"
    async with database.control() as connection:
        await add_person(connection, person_id, f"{person_id}@example.com", None)
        await add_member(connection, account, person_id, Role.OWNER)
        begun = await Sessions(PEOPLES).begin(
            connection, SessionKind.CONSOLE, person_id, account, _VISITOR, datetime.now(UTC)
        )
    return await _page(browser, console_url, CONSOLE.session, begun.token)


@pytest.mark.usefixtures("jobs")
async def test_an_abuser_is_found_throttled_suspended_and_let_go(
    agent: Page, owner: Page, http: httpx.AsyncClient, abuser: MadeTenant
) -> None:
    assert (await _answered(http, abuser, _is_issued)).is_success

    await agent.goto("/support")
    await agent.get_by_role("link", name="Abuse and health").first.click()
    board = agent.get_by_role("region", name="Most wrong secrets")
    row = board.get_by_role("row").filter(has_text=abuser.slug)
    await row.get_by_text("Throttle").first.click()
    await row.get_by_label("Reason").fill(_REASON)
    await row.get_by_label("Ticket").fill("T-9")
    await _look(agent, "found")
    await _follows(row.get_by_role("button", name="Throttle"), http, abuser, _is_throttled)
    await _look(agent, "throttled")

    await agent.get_by_role("link", name="Suspension").first.click()
    await agent.get_by_label("No new tokens.").check()
    await agent.get_by_label("Reason").fill(_REASON)
    await _look(agent, "suspend")
    await _follows(agent.get_by_role("button", name="Suspend"), http, abuser, _is_suspended)

    await owner.goto("/audit")
    await owner.get_by_text("Our support has suspended this account").first.wait_for()
    await _reads_why(owner, "account.suspend")
    await _reads_why(owner, "limit.override")
    await _look(owner, "log")

    await agent.get_by_label("Reason").first.fill("They have mended their service")
    await _follows(
        agent.get_by_role("button", name="Restore the account"), http, abuser, _is_issued
    )


def _is_issued(answer: httpx.Response) -> bool:
    return answer.is_success


def _is_throttled(answer: httpx.Response) -> bool:
    policy: str = answer.headers.get("ratelimit-policy", "")
    return policy.partition(",")[0] == _THROTTLED


def _is_suspended(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.UNAUTHORIZED


async def _answered(
    http: httpx.AsyncClient, tenant: MadeTenant, wanted: Callable[[httpx.Response], bool]
) -> httpx.Response:
    """Ask for tokens until the data plane answers so."""
    answers: list[httpx.Response] = []

    async def ask() -> bool:
        answers.append(await ask_token(http, tenant))
        return wanted(answers[-1])

    await until_true(ask, f"the data plane does not follow: {wanted.__name__}")
    return answers[-1]


async def _follows(
    button: Locator,
    http: httpx.AsyncClient,
    tenant: MadeTenant,
    wanted: Callable[[httpx.Response], bool],
) -> None:
    """Click, and log how long it is until the data plane's first answer that is so."""
    name, began = await button.inner_text(), time.monotonic()
    await button.click()
    await _answered(http, tenant, wanted)
    _log.info("%s: the data plane follows in %.2f s", name, time.monotonic() - began)


async def _reads_why(owner: Page, action: str) -> None:
    row = owner.get_by_role("row").filter(has_text=action).first
    await row.get_by_text("Show").click()
    await row.get_by_text(_REASON).wait_for()


async def _page(browser: Browser, url: str, cookie: str, token: str) -> Page:
    context = await browser.new_context(base_url=url)
    secure = url.replace("http:", "https:")  # as browsers see localhost
    await context.add_cookies([{"name": cookie, "value": token, "url": secure, "secure": True}])
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


async def _look(page: Page, name: str) -> None:
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        await page.screenshot(path=f"{directory}/abuser-{name}.png", full_page=True)
