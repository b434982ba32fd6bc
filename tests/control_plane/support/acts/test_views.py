"""Support's view of the console: it reads what members who only read see, and each page is told."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import func, select, update

from control_plane.http.cookies import SUPPORT_VIEW
from control_plane.members.rules import Permission
from control_plane.staff.grants import end_grant
from control_plane.staff.rules import StaffRole
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.staff import staff, staff_event, staff_session
from shared.runtime.tables.support_acts import support_view
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.routes import Route, routes_of
from tests.control_plane.support_app import StaffBrowser, Support
from tests.support import MadeTenant, make_tenant

_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_READS = {Permission.SEE_TENANTS, Permission.SEE_LOGS, Permission.SEE_AUDIT}


@pytest.fixture
async def tenant(database: Database, settings: Config) -> tuple[str, MadeTenant]:
    account = await make_account(database)
    return account, await make_tenant(database, settings, account=account)


async def handover(browser: StaffBrowser, account: str) -> str:
    answer = await browser.act(f"/support/accounts/{account}/view")
    assert answer.status_code == 200, text_of(answer)
    found = _TOKEN.search(answer.text)
    assert found
    return found[1]


async def take(console: Console, http: httpx.AsyncClient, token: str) -> httpx.Response:
    origin = {"Origin": console.config.support_url}
    return await http.post("/support-view", data={"token": token}, headers=origin)


@asynccontextmanager
async def viewing(
    support: Support, console: Console, account: str
) -> AsyncIterator[tuple[StaffBrowser, httpx.AsyncClient]]:
    async with (
        support.signed_in(StaffRole.AGENT, account) as browser,
        console.browser() as http,
    ):
        taken = await take(console, http, await handover(browser, account))
        assert taken.status_code == 303, text_of(taken)
        yield browser, http


def shown(route: Route, made: MadeTenant) -> str:
    path = route.path.replace("{slug}", made.slug).replace("{client_id}", made.client.client_id)
    return re.sub(r"\{[^}]*\}", "x", path)


async def test_what_a_view_may_get_is_what_only_reads_and_nothing_can_be_posted(
    support: Support, console: Console, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    async with viewing(support, console, account) as (_, http):
        page = await http.get("/tenants")
        found = _CSRF.search(page.text)
        assert found
        for route in routes_of(console.application):
            if route.is_for_programs or "outside" in route.opt or "view" in route.opt:
                continue
            path = shown(route, made)
            if route.method == "POST":
                answer = await http.post(path, data={"csrf": found[1]})
                assert answer.status_code == 403, path
            elif not path.endswith(("/events", "/live")):  # which do not end
                answer = await http.get(path)
                reads = route.permission in _READS and not route.opt.get("step_up")
                assert (answer.status_code == 403) is not reads, (path, answer.status_code)
        assert (await http.get("/tenants")).status_code == 200
        async with database.control() as connection:
            of_account = await connection.scalar(
                select(func.count()).where(
                    account_event.c.account_id == account,
                    ~account_event.c.action.startswith("support."),
                    account_event.c.action.not_in(["account.create", "tenant.create"]),
                )
            )
        assert of_account == 0


async def test_each_page_is_in_both_logs_and_the_banner_says_whose_view_it_is(
    support: Support, console: Console, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    async with viewing(support, console, account) as (browser, http):
        page = await http.get(f"/tenants/{made.slug}/clients")
        assert "read-only" in text_of(page)
        assert "a test" in text_of(page)
        async with console.signed_in(account) as owner:
            log = text_of(await owner.get("/audit"))
            assert browser.by.email in log
            assert "support.view_page" in log
        async with database.control() as connection:
            facts = list(
                await connection.scalars(
                    select(staff_event.c.after).where(
                        staff_event.c.actor_id == browser.by.id,
                        staff_event.c.action == "support.view_page",
                    )
                )
            )
        assert facts == [f'{{"path":"/tenants/{made.slug}/clients"}}']


async def test_one_click_ends_it(
    support: Support, console: Console, tenant: tuple[str, MadeTenant]
) -> None:
    account, _ = tenant
    async with viewing(support, console, account) as (_, http):
        kept = http.cookies[SUPPORT_VIEW]
        found = _CSRF.search((await http.get("/tenants")).text)
        assert found
        ended = await http.post("/support-view/end", data={"csrf": found[1]})
        assert "The view is over" in text_of(ended)
        assert SUPPORT_VIEW not in http.cookies
        http.cookies.set(SUPPORT_VIEW, kept)
        again = await http.get("/tenants")
        assert (again.status_code, "The view is over" in text_of(again)) == (403, True)


async def _close(support: Support, browser: StaffBrowser, account: str) -> None:
    await end_grant(support.own, browser.by, account, datetime.now(UTC))


async def _sign_out(support: Support, browser: StaffBrowser, _: str) -> None:
    async with support.database.control() as connection:
        of = staff_session.c.staff_id == browser.by.id
        await connection.execute(staff_session.delete().where(of))


async def _disable(support: Support, browser: StaffBrowser, _: str) -> None:
    async with support.database.control() as connection:
        values = {"disabled_at": datetime.now(UTC)}
        await connection.execute(update(staff).where(staff.c.id == browser.by.id).values(values))


async def _demote(support: Support, browser: StaffBrowser, _: str) -> None:
    async with support.database.control() as connection:
        of = staff.c.id == browser.by.id
        await connection.execute(update(staff).where(of).values(role=StaffRole.READER))


async def _wait_an_hour(support: Support, browser: StaffBrowser, _: str) -> None:
    async with support.database.control() as connection:
        of = support_view.c.staff_id == browser.by.id
        await connection.execute(update(support_view).where(of).values(ends_at=datetime.now(UTC)))


@pytest.mark.parametrize("end", [_close, _sign_out, _disable, _demote, _wait_an_hour])
async def test_it_ends_with_what_it_was_begun_under(
    support: Support,
    console: Console,
    tenant: tuple[str, MadeTenant],
    end: Callable[[Support, StaffBrowser, str], Awaitable[None]],
) -> None:
    account, _ = tenant
    async with viewing(support, console, account) as (browser, http):
        assert (await http.get("/tenants")).status_code == 200
        await end(support, browser, account)
        assert (await http.get("/tenants")).status_code == 403


async def test_the_handover_is_good_once_for_a_minute_and_from_our_page_only(
    support: Support, console: Console, tenant: tuple[str, MadeTenant]
) -> None:
    account, _ = tenant
    async with support.signed_in(StaffRole.AGENT, account) as browser, console.browser() as http:
        token = await handover(browser, account)
        elsewhere = await http.post(
            "/support-view", data={"token": token}, headers={"Origin": "https://evil.example"}
        )
        assert elsewhere.status_code == 403
        http.cookies.set(SUPPORT_VIEW, "sv_planted", domain="console.test", path="/")
        assert (await take(console, http, token)).status_code == 303
        assert http.cookies[SUPPORT_VIEW] != "sv_planted"
        assert (await take(console, http, token)).status_code == 403
        late = await handover(browser, account)
        async with support.database.control() as connection:
            await connection.execute(
                update(support_view)
                .where(support_view.c.staff_id == browser.by.id)
                .values(handover_until=datetime.now(UTC))
            )
        assert (await take(console, http, late)).status_code == 403


async def test_it_shows_one_account_and_who_may_not_begin_it(
    support: Support,
    console: Console,
    database: Database,
    settings: Config,
    tenant: tuple[str, MadeTenant],
) -> None:
    account, _ = tenant
    other = await make_tenant(database, settings, account=await make_account(database))
    async with viewing(support, console, account) as (_, http):
        assert (await http.get(f"/tenants/{other.slug}/clients")).status_code == 404
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        assert (await browser.act(f"/support/accounts/{account}/view")).status_code == 403
