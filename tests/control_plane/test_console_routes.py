"""Every route of the console, for every role and for who has none: the matrix says what comes of
it.

The routes are the application's own, so one that is added is walked, and fails until it says who
may use it. Those of others' ids are walked in test_console_tenancy.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import delete, update

from control_plane.members.rules import MATRIX, Role
from control_plane.sessions.rules import SessionKind
from shared.runtime.database import Database
from shared.runtime.tables.people import member, session
from tests.control_plane.console import Browser, Console, make_account
from tests.control_plane.routes import Route, routes_of

_SAFE = {"GET", "HEAD"}
_WHO = {"outside", "open", "signed_in", "permission", "scope"}


def closed(application: Litestar) -> list[Route]:
    return [
        each
        for each in routes_of(application)
        if not each.opt.keys() & {"open", "outside"} and not each.is_for_programs
    ]


def _streams(route: Route) -> bool:
    """Tell whether its answer would not end, even for who may see nothing."""
    return route.path.endswith(("/events", "/live"))


async def ask(browser: Browser, route: Route) -> httpx.Response:
    if route.method in _SAFE:
        return await browser.get(route.path)
    assert route.method == "POST", "forms know no other"
    return await browser.post(route.path)


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


@asynccontextmanager
async def half_signed_in(console: Console, account: str) -> AsyncIterator[Browser]:
    """Give someone who has proved the password, and no more."""
    async with console.signed_in(account) as browser:
        half = {"kind": SessionKind.HALF, "stepped_up_at": None}
        async with console.database.control() as connection:
            await connection.execute(
                update(session).where(session.c.account_id == account).values(half)
            )
        yield browser


def test_every_route_says_in_one_way_who_may_use_it(console: Console) -> None:
    said = {
        (each.method, each.path): each.opt.keys() & _WHO for each in routes_of(console.application)
    }
    assert len(said) > 50
    assert [route for route, ways in said.items() if len(ways) != 1] == []
    scoped = {path for (_, path), ways in said.items() if ways == {"scope"}}
    assert scoped, "the management API is there"
    assert {path for path in scoped if not path.startswith("/api/v1/")} == set()


async def test_no_session_opens_the_management_api(console: Console, account: str) -> None:
    """What its tokens open is walked in management_api/test_door.py."""
    async with console.signed_in(account, Role.OWNER) as browser:
        for route in routes_of(console.application):
            if route.is_for_programs and not route.is_open:
                answer = await browser.client.request(route.method, route.path)
                assert answer.status_code == 401, route


def test_every_permission_is_one_of_the_matrix(console: Console) -> None:
    routes = list(routes_of(console.application))
    assert [each.path for each in routes if "permission" in each.opt and not each.permission] == []


async def test_without_a_session_each_leads_to_sign_in_or_is_refused(console: Console) -> None:
    async with console.browser() as stranger:
        for route in closed(console.application):
            answer = await ask(Browser(stranger, "", ""), route)
            if route.method in _SAFE:
                assert answer.status_code == 303, route
                assert answer.headers["location"].startswith("/signin?next="), route
            else:
                assert answer.status_code == 403, route


async def test_half_a_session_leads_to_its_other_half(console: Console, account: str) -> None:
    async with half_signed_in(console, account) as browser:
        for route in closed(console.application):
            if not route.opt.get("half"):
                answer = await ask(browser, route)
                assert answer.headers.get("location") == "/signin/second", route


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_passes_where_the_matrix_says_so_and_nowhere_else(
    console: Console, account: str, role: Role
) -> None:
    async with console.signed_in(account, role) as browser:
        for route in closed(console.application):
            if route.permission is None or (_streams(route) and route.permission in MATRIX[role]):
                continue
            answer = await ask(browser, route)
            may = route.permission in MATRIX[role]
            assert (answer.status_code == 403) is not may, (route, answer.status_code)
            assert answer.status_code < 500, (route, answer.text)


async def test_who_is_in_no_account_sees_their_own_pages_and_no_others(
    console: Console, account: str
) -> None:
    async with console.signed_in(account) as browser:
        async with console.database.control() as connection:
            await connection.execute(delete(member).where(member.c.account_id == account))
        for route in closed(console.application):
            if route.permission is not None:
                assert (await ask(browser, route)).status_code == 403, route
            elif route.method in _SAFE:
                assert (await ask(browser, route)).status_code in {200, 303, 422}, route
