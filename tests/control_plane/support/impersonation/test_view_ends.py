"""When a read-only view of the console is over, and what is shown from then on (C5)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from control_plane.http.cookies import SUPPORT_VIEW
from control_plane.sessions.actions import Sessions
from control_plane.sessions.repository import STAFFS
from control_plane.staff.actions import StaffKeeper
from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from shared.runtime.tables.staff import staff, staff_session
from shared.runtime.tables.support_acts import support_view
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import CONSOLE_URL, Browser, Console, make_account, text_of
from tests.control_plane.streaming import streamed
from tests.control_plane.support.impersonation.viewing import (
    Viewing,
    recorded,
    viewing,
)
from tests.control_plane.support_app import Support

pytestmark = pytest.mark.usefixtures("quick_keys")

_OVER = "The view is over"
_AGO = timedelta(seconds=1)


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


def keep_cookie(browser: Browser, token: str) -> None:
    """Set it as the console does, so that the console can take it back."""
    browser.client.cookies.set(SUPPORT_VIEW, token, domain=urlsplit(CONSOLE_URL).netloc)


async def _click(seen: Viewing, _: Database) -> None:
    answer = await seen.view.post("/support-view/end")
    assert _OVER in answer.text


async def _end_in_support(seen: Viewing, _: Database) -> None:
    await seen.staff.act(f"/support/accounts/{seen.view.account_id}/view/end")


async def _give_back(seen: Viewing, _: Database) -> None:
    await seen.staff.post(f"/support/accounts/{seen.view.account_id}/close")


async def _sign_out(seen: Viewing, _: Database) -> None:
    await seen.staff.post("/support/signout")


async def _disable(seen: Viewing, database: Database) -> None:
    await StaffKeeper(database, Sessions(STAFFS)).disable(seen.staff.by.email, datetime.now(UTC))


async def _no_agent_any_more(seen: Viewing, database: Database) -> None:
    async with database.control() as connection:
        of_staff = staff.c.id == seen.staff.by.id
        await connection.execute(update(staff).where(of_staff).values(role=StaffRole.READER))


async def _hour_is_over(seen: Viewing, database: Database) -> None:
    async with database.control() as connection:
        of_staff = support_view.c.staff_id == seen.staff.by.id
        over = datetime.now(UTC) - _AGO
        await connection.execute(update(support_view).where(of_staff).values(ends_at=over))


async def _idle(seen: Viewing, database: Database) -> None:
    async with database.control() as connection:
        of_staff = staff_session.c.staff_id == seen.staff.by.id
        long_ago = datetime.now(UTC) - timedelta(minutes=15)
        await connection.execute(update(staff_session).where(of_staff).values(seen_at=long_ago))


@pytest.mark.parametrize(
    "end",
    [
        _click,
        _end_in_support,
        _give_back,
        _sign_out,
        _disable,
        _no_agent_any_more,
        _hour_is_over,
        _idle,
    ],
    ids=lambda each: each.__name__.strip("_").replace("_", "-"),
)
async def test_it_ends(
    support: Support,
    console: Console,
    database: Database,
    end: Callable[[Viewing, Database], Awaitable[None]],
) -> None:
    account = await make_account(database)
    async with viewing(support, console, account) as seen:
        assert (await seen.view.get("/tenants")).status_code == 200
        token = seen.view.client.cookies[SUPPORT_VIEW]
        await end(seen, database)
        keep_cookie(seen.view, token)
        before = await recorded(database, account)
        answer = await seen.view.get("/tenants")
        assert answer.status_code == 403
        assert _OVER in text_of(answer)
        assert account not in answer.text
        assert SUPPORT_VIEW not in seen.view.client.cookies, "the browser has it no more"
        assert await recorded(database, account) == before
        assert (await seen.view.get("/tenants")).headers["location"].startswith("/signin")


async def test_what_is_over_shows_nothing_of_another_account_in_its_place(
    support: Support, console: Console, database: Database
) -> None:
    """Whoever of the staff is a member somewhere too must not take that for the account."""
    account, own = await make_account(database), await make_account(database)
    async with viewing(support, console, account) as seen, console.signed_in(own) as member:
        keep_cookie(member, seen.view.client.cookies[SUPPORT_VIEW])
        assert "read-only" in text_of(await member.get("/tenants"))
        await seen.staff.post("/support/signout")
        assert _OVER in text_of(await member.get("/tenants"))
        assert (await member.get("/tenants")).status_code == 200
        assert "read-only" not in text_of(await member.get("/tenants"))


async def test_a_live_page_ends_with_it(
    support: Support, console: Console, site: Site, database: Database
) -> None:
    async with viewing(support, console, site.account) as seen:
        page = await seen.view.get(f"/tenants/{site.slug}/first-token")
        address = page.text.split('hx-sse:connect="')[1].split('"')[0].replace("&amp;", "&")
        async with streamed(console, seen.view, address) as live:
            assert live.status in {0, 200}
            assert await live.next() is not None
            told = await recorded(database, site.account)
            await seen.staff.post("/support/signout")
            said = ""
            while (piece := await live.next()) is not None:
                said += piece
        assert "event: done" in said
        assert await recorded(database, site.account) == told, "to look on is no other page"


async def test_to_look_is_to_use_the_session_it_was_begun_from(
    support: Support, console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with viewing(support, console, account) as seen:
        of_staff = staff_session.c.staff_id == seen.staff.by.id
        ten_ago = datetime.now(UTC) - timedelta(minutes=10)
        async with database.control() as connection:
            await connection.execute(update(staff_session).where(of_staff).values(seen_at=ten_ago))
        assert (await seen.view.get("/tenants")).status_code == 200
        async with database.control() as connection:
            used = await connection.scalar(select(staff_session.c.seen_at).where(of_staff))
        assert used is not None
        assert used > ten_ago + timedelta(minutes=9)
