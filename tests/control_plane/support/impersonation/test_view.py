"""A read-only view of the console (C5): how it is handed over, when it ends, and both logs."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from control_plane.http.cookies import SUPPORT, SUPPORT_VIEW
from control_plane.staff.rules import StaffRole
from control_plane.support_views.rules import HANDOVER_LASTS, VIEW_LASTS
from shared.runtime.database import Database
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.support_acts import support_view
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.support.impersonation.viewing import (
    ask_view,
    hand_over,
    recorded,
    viewing,
)
from tests.control_plane.support_app import Support

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


async def test_the_console_is_seen_as_a_read_only_member_under_a_banner(
    support: Support, console: Console, site: Site, database: Database
) -> None:
    async with viewing(support, console, site.account) as seen:
        page = await seen.view.get("/tenants")
        assert page.status_code == 200
        said = text_of(page)
        assert site.slug in said
        assert "read-only , until" in said
        assert "They see no clients" in said
        assert f"{seen.staff.by.email} · Read-only" in said
        assert "Sign out" not in said
        assert "Your security" not in said
        assert "Create tenant" not in said
        assert (await seen.view.get("/")).headers["location"] == "/tenants"
        other = await make_site(console, database)
        assert (await seen.view.get(f"/tenants/{other.slug}")).status_code == 404
        for closed in (
            "/billing",
            "/billing/invoices",
            "/api-keys",
            "/you",
            "/accounts",
            "/signin",
        ):
            refused = await seen.view.get(closed)
            assert (refused.status_code, SUPPORT_VIEW in refused.cookies) == (403, False), closed


async def test_both_logs_have_the_reason_and_each_page(
    support: Support, console: Console, site: Site, database: Database
) -> None:
    async with viewing(support, console, site.account) as seen:
        await seen.view.get("/tenants")
        await seen.view.get(f"/tenants/{site.slug}/audit/export?format=csv")
        await seen.view.get("/billing")  # refused, so nothing was seen
        await seen.view.post("/support-view/end")
    expected = [
        "support.begin_view",
        "support.view",
        "support.view_page /tenants",
        f"support.view_page /tenants/{site.slug}/audit/export",
        "support.end_view",
    ]
    theirs, ours = await recorded(database, site.account)
    assert theirs[-5:] == expected
    assert ours[-5:] == expected
    async with database.control() as connection:
        begun = (
            await connection.execute(
                select(account_event).where(
                    account_event.c.account_id == site.account,
                    account_event.c.action == "support.view",
                )
            )
        ).one()
    assert (begun.actor_kind, begun.actor_email, begun.address) == (
        "staff",
        seen.staff.by.email,
        "",
    )
    assert '"reason":"They see no clients"' in begun.after
    assert '"ticket":"T-1"' in begun.after
    async with site.browser() as member:
        said = text_of(await member.get("/audit"))
        assert seen.staff.by.email in said
        assert "They see no clients" in said


async def test_the_token_is_in_no_address_and_good_once(
    support: Support, console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with support.signed_in(StaffRole.AGENT, account) as staff_browser:
        token = await ask_view(staff_browser, account)
        async with console.browser() as first, console.browser() as second:
            taken = await hand_over(first, token)
            assert taken.headers["location"] == "/tenants"
            cookie = taken.headers["set-cookie"].lower()
            assert cookie.startswith(f"{SUPPORT_VIEW.lower()}=")
            for word in ("secure", "httponly", "samesite=lax", "path=/"):
                assert word in cookie
            again = await hand_over(second, token)
            assert again.status_code == 403
            assert "set-cookie" not in again.headers
            assert (await hand_over(second, "")).status_code == 403
            for page in ("https://evil.example", "null"):
                fresh = await ask_view(staff_browser, account)
                assert (await hand_over(second, fresh, page)).status_code == 403, page
            assert (await first.get("/tenants")).status_code == 403, "one view at a time"


async def test_a_hand_over_is_good_for_a_minute(
    support: Support, console: Console, database: Database
) -> None:
    account = await make_account(database)
    assert timedelta(seconds=60) == HANDOVER_LASTS
    async with support.signed_in(StaffRole.AGENT, account) as staff_browser:
        token = await ask_view(staff_browser, account)
        async with database.control() as connection:
            of_account = support_view.c.account_id == account
            held = (await connection.execute(select(support_view).where(of_account))).one()
            assert held.handover_until - held.created_at == HANDOVER_LASTS
            assert held.ends_at - held.created_at <= VIEW_LASTS
            await connection.execute(
                update(support_view).where(of_account).values(handover_until=datetime.now(UTC))
            )
        async with console.browser() as client:
            assert (await hand_over(client, token)).status_code == 403
    theirs, _ = await recorded(database, account)
    assert theirs[-1] == "support.begin_view"


async def test_it_lasts_no_longer_than_the_account_is_open(
    support: Support, console: Console, database: Database
) -> None:
    account = await make_account(database)
    began = datetime.now(UTC) - timedelta(minutes=50)
    async with support.signed_in(StaffRole.AGENT, account, now=began) as staff_browser:
        await support.keep_awake(staff_browser)
        async with console.browser() as client:
            await hand_over(client, await ask_view(staff_browser, account))
            assert (await client.get("/tenants")).status_code == 200
        async with database.control() as connection:
            of_account = support_view.c.account_id == account
            ends = await connection.scalar(select(support_view.c.ends_at).where(of_account))
    assert ends == began + timedelta(minutes=60)


@pytest.mark.parametrize("role", [StaffRole.READER, StaffRole.BILLING])
async def test_who_may_not_impersonate_begins_none(
    support: Support, database: Database, role: StaffRole
) -> None:
    account = await make_account(database)
    async with support.signed_in(role, account) as staff_browser:
        assert "View the console" not in text_of(await staff_browser.get("/support"))
        answer = await staff_browser.act(f"/support/accounts/{account}/view")
    assert answer.status_code == 403
    async with database.control() as connection:
        of_account = support_view.c.account_id == account
        assert (await connection.execute(select(support_view).where(of_account))).all() == []


async def test_a_session_of_the_support_app_is_no_view(
    support: Support, console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with viewing(support, console, account) as seen:
        token = seen.staff.client.cookies[SUPPORT.session]
        for name in (SUPPORT_VIEW, "__Host-session"):
            async with console.browser() as client:
                client.cookies.set(name, token)
                assert (await client.get("/tenants")).status_code in {303, 403}
