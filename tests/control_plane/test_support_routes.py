"""Every route of the support app, for every role, with a grant, without one and after its hour,
with a reason and without, with a form's token and without (hostile-inputs.md I1, I9 to I11).

The routes are the application's own, so one that is added is walked, and fails until it says who
may use it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select

from control_plane.sessions.rules import SessionKind
from control_plane.staff.rules import GRANT_LASTS, STAFF_MATRIX, StaffPermission, StaffRole
from shared.runtime.database import Database
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.staff import staff_event
from tests.control_plane.console import make_account, text_of
from tests.control_plane.routes import Route, routes_of
from tests.control_plane.support_app import StaffBrowser, Support

_WHO = {"outside", "open", "signed_in", "staff"}
_OUTSIDE_SUPPORT = {"/", "/livez", "/health", "/readyz", "/startupz"}
# what needs no grant although it is about one account: asking for it, and giving it back
_UNGRANTED = {"/support/accounts/{account_id}/open", "/support/accounts/{account_id}/close"}
# what is sent without a reason changes nothing of anybody's
_UNREASONED = {
    "/support/signin/second",
    "/support/accounts/{account_id}/close",
    "/support/journal/verify",
}


def closed(support: Support) -> list[Route]:
    return [
        each for each in routes_of(support.application) if not each.opt.keys() & {"open", "outside"}
    ]


def permission_of(route: Route) -> StaffPermission | None:
    found = route.opt.get("staff")
    return found if isinstance(found, StaffPermission) else None


def needs_grant(route: Route) -> bool:
    return bool(route.opt.get("grant"))


def is_reasoned(route: Route) -> bool:
    return route.method == "POST" and not route.opt.get("unreasoned")


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


async def ask(
    browser: StaffBrowser | httpx.AsyncClient, route: Route, account: str, /, **fields: str
) -> httpx.Response:
    path = route.path.replace("{account_id}", account)
    if route.method == "GET":
        return await browser.get(path)
    assert route.method == "POST", "forms know no other"
    if isinstance(browser, StaffBrowser):
        return await browser.post(path, **fields)
    return await browser.post(path, data=fields)


async def events(support: Support, account: str) -> tuple[int, int]:
    """Count what the two logs say."""
    of_account = select(func.count()).where(account_event.c.account_id == account)
    async with support.database.control() as connection:
        ours = await connection.scalar(select(func.count()).select_from(staff_event))
        theirs = await connection.scalar(of_account)
    return ours or 0, theirs or 0


@asynccontextmanager
async def nothing_is_done(support: Support, account: str) -> AsyncIterator[None]:
    """Whatever is done is recorded, so nothing was where neither log has more."""
    before = await events(support, account)
    yield
    assert await events(support, account) == before


def test_every_route_says_in_one_way_who_may_use_it(support: Support) -> None:
    routes = routes_of(support.application)
    said = {(each.method, each.path): each.opt.keys() & _WHO for each in routes}
    assert [route for route, ways in said.items() if len(ways) != 1] == []
    assert [each.path for each in routes if "staff" in each.opt and not permission_of(each)] == []
    outside = {path for _, path in said if not path.startswith(("/support", "/static"))}
    assert outside == _OUTSIDE_SUPPORT


def test_whatever_is_about_one_account_needs_a_grant(support: Support) -> None:
    about_one = {each.path for each in closed(support) if "{account_id}" in each.path}
    assert {path for path in about_one if not path.startswith("/support/accounts/")} == set()
    granted = {each.path for each in closed(support) if needs_grant(each)}
    assert about_one - granted == _UNGRANTED
    assert granted <= about_one


def test_whatever_changes_something_needs_a_reason(support: Support) -> None:
    posts = {each.path for each in closed(support) if each.method == "POST"}
    reasoned = {each.path for each in closed(support) if is_reasoned(each)}
    assert posts - reasoned <= _UNREASONED


async def test_without_a_session_each_leads_to_sign_in_or_is_refused(
    support: Support, account: str
) -> None:
    async with support.browser() as stranger, nothing_is_done(support, account):
        for route in closed(support):
            answer = await ask(stranger, route, account, reason="I say so")
            if route.method == "GET":
                assert answer.status_code == 303, route
                assert answer.headers["location"].startswith("/support/signin?next="), route
            else:
                assert answer.status_code == 403, route


async def test_half_a_session_leads_to_its_other_half(support: Support, account: str) -> None:
    async with (
        support.signed_in(StaffRole.LEAD, account, kind=SessionKind.HALF) as browser,
        nothing_is_done(support, account),
    ):
        for route in closed(support):
            if not route.opt.get("half"):
                answer = await ask(browser, route, account, reason="a test")
                assert answer.headers.get("location") == "/support/signin/second", route


async def test_a_form_of_no_page_of_ours_is_refused(support: Support, account: str) -> None:
    async with (
        support.signed_in(StaffRole.LEAD, account) as browser,
        nothing_is_done(support, account),
    ):
        for route in closed(support):
            if route.method == "POST":
                sent = {"reason": "a test", "csrf": "0" * 64}
                assert (await ask(browser.client, route, account, **sent)).status_code == 403, route
                cross = {"sec-fetch-site": "cross-site"}
                path = route.path.replace("{account_id}", account)
                form = {"reason": "a test", "csrf": browser.csrf}
                answer = await browser.client.post(path, data=form, headers=cross)
                assert answer.status_code == 403, route


@pytest.mark.parametrize("role", list(StaffRole))
async def test_each_role_passes_where_the_matrix_says_so_and_nowhere_else(
    support: Support, account: str, role: StaffRole
) -> None:
    async with support.signed_in(role, account) as browser:
        for route in closed(support):
            permission = permission_of(route)
            if permission is None or (route.method == "POST" and permission in STAFF_MATRIX[role]):
                continue  # what those do is tested with each
            answer = await ask(browser, route, account, reason="a test")
            may = permission in STAFF_MATRIX[role]
            assert (answer.status_code == 403) is not may, (route, answer.status_code)
            assert answer.status_code < 500, (route, answer.text)


@pytest.mark.parametrize("opened", ["never", "for-another", "an-hour-ago"])
async def test_without_a_live_grant_nothing_of_an_account_is_seen_or_done(
    support: Support, account: str, database: Database, opened: str
) -> None:
    hour_ago = datetime.now(UTC) - GRANT_LASTS
    began = hour_ago if opened == "an-hour-ago" else datetime.now(UTC)
    accounts = {
        "never": (),
        "for-another": (await make_account(database),),
        "an-hour-ago": (account,),
    }[opened]
    async with support.signed_in(StaffRole.LEAD, *accounts, now=began) as browser:
        await support.keep_awake(browser)
        async with nothing_is_done(support, account):
            for route in closed(support):
                if not needs_grant(route):
                    continue
                answer = await ask(browser, route, account, reason="a test")
                if route.method == "GET":
                    assert answer.status_code == 303, route
                    to = answer.headers["location"]
                    assert to.startswith(f"/support/accounts/{account}/open?next="), route
                else:
                    assert answer.status_code == 403, route


async def test_without_a_reason_nothing_is_done(support: Support, account: str) -> None:
    async with (
        support.signed_in(StaffRole.LEAD, account) as browser,
        nothing_is_done(support, account),
    ):
        for route in closed(support):
            for reason in ("", "   ", "\u200b") if is_reasoned(route) else ():
                answer = await ask(browser, route, account, reason=reason, kept="this")
                assert answer.status_code == 403, route
                assert "say why" in text_of(answer), route
                assert 'name="kept" value="this"' in answer.text, route


async def test_every_page_of_an_account_is_in_the_staff_audit(
    support: Support, account: str
) -> None:
    async with support.signed_in(StaffRole.LEAD, account) as browser:
        for route in closed(support):
            if needs_grant(route) and route.method == "GET":
                before = await events(support, account)
                answer = await ask(browser, route, account)
                assert answer.status_code < 500, (route, answer.text)
                ours, theirs = await events(support, account)
                assert ours > before[0], route
                assert theirs == before[1] or "export" in route.path, route


async def test_an_account_is_opened_with_a_reason_that_its_people_read(
    support: Support, account: str
) -> None:
    path = f"/support/accounts/{account}"
    async with support.signed_in(StaffRole.READER) as browser:
        before = await events(support, account)
        answer = await browser.act(f"{path}/open", reason="They asked", ticket="T-42", next="/x")
        assert answer.headers["location"] == path
        ours, theirs = await events(support, account)
        assert (ours, theirs) == (before[0] + 1, before[1] + 1)
        assert "They asked" in text_of(await browser.get("/support"))
        answer = await browser.post(f"{path}/close")
        assert answer.headers["location"] == "/support"
        assert "Nothing is open" in text_of(await browser.get("/support"))
        assert await events(support, account) == (ours + 1, theirs + 1)
    async with support.database.control() as connection:
        row = (
            await connection.execute(
                select(account_event)
                .where(account_event.c.account_id == account)
                .where(account_event.c.action == "support.open")
            )
        ).one()
    assert (row.actor_kind, row.actor_email, row.address) == ("staff", browser.by.email, "")
    assert '"reason":"They asked"' in row.after
    assert '"ticket":"T-42"' in row.after


async def test_what_is_no_account_cannot_be_opened(support: Support) -> None:
    async with support.signed_in(StaffRole.LEAD) as browser:
        assert (await browser.get("/support/accounts/a_nobody/open")).status_code == 404
        assert (await browser.act("/support/accounts/a_nobody/open")).status_code == 404


async def test_a_session_of_the_console_is_none_here(support: Support, account: str) -> None:
    async with support.signed_in(StaffRole.LEAD, account) as browser:
        token = browser.client.cookies["__Host-staff"]
        browser.client.cookies.clear()
        browser.client.cookies.set("__Host-session", token)
        assert (await browser.get("/support")).status_code == 303


async def test_an_hour_is_the_most(support: Support, account: str) -> None:
    assert timedelta(minutes=60) == GRANT_LASTS
    async with support.signed_in(StaffRole.LEAD, account) as browser:
        page = text_of(await browser.get("/support"))
    assert "a test opens it" in page
