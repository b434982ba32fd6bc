"""A tenant at a glance: what is still to be done, and what is going on."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from control_plane.members.rules import Role
from control_plane.tenants.actions import suspend_tenant
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.usage.happenings import count, issue
from tests.ledgers import opened_ledger
from tests.support import Installation

pytestmark = pytest.mark.usefixtures("quick_keys")


async def test_a_new_tenant_meets_what_is_to_be_done(console: Console, database: Database) -> None:
    site = await make_site(console, database)
    async with site.browser() as browser:
        listed = await browser.get("/tenants")
        assert f'<a href="/tenants/{site.slug}">' in listed.text
        page = await browser.get(f"/tenants/{site.slug}")
        text = text_of(page)
        assert "Make an API , done Create a client , done Get your first token Turn" in text
        assert "Invite a colleague , done" in text  # who made the tenant is there too
        assert "Tokens today 0" in text
        assert "Tokens today took" not in text
        assert "0 of 1,000,000 tokens, 0 %" in text
        assert "ES256" in text
        assert "tenant.create" in text
        assert "No token was issued this month." in text


async def test_what_is_going_on_is_shown(
    console: Console, database: Database, installation: Installation
) -> None:
    site = await make_site(console, database)
    await issue(installation, site.tenant, site.client_id, *[datetime.now(UTC)] * 3)
    await count_refusals(site, installation)
    async with site.browser(Role.READ_ONLY) as browser:
        text = text_of(await browser.get(f"/tenants/{site.slug}"))
        assert "Tokens this month 3" in text
        assert "Refused this month 5" in text
        assert "my-first-service" in text
        assert "invalid_scope 4" in text
        assert "Get your first token , done" in text
        assert "Tokens today took p50 4.11 ms p95 750 ms p99 950 ms" in text
        usage = text_of(await browser.get(f"/tenants/{site.slug}/usage"))
        assert "latency" not in usage


async def count_refusals(site: Site, installation: Installation) -> None:
    async with opened_ledger(installation.data_url) as real:
        refused = [(site.client_id, "", "refused:invalid_scope", 4), ("", "", "limited", 1)]
        took = [("", "", "latency:5", 9), ("", "", "latency:1000", 1)]
        await count(real, site.tenant, refused + took)


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (9_999, ["9,999 of 10,000 tokens, 99 %", "Four fifths of the month"]),
        (10_000, ["10,000 of 10,000 tokens, 100 %", "At 11,000 tokens no more are issued"]),
    ],
)
async def test_the_month_is_the_whole_accounts_and_says_when_it_is_full(
    console: Console,
    database: Database,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    tokens: int,
    told: list[str],
) -> None:
    monkeypatch.setattr("control_plane.limits.actions._METER_KEPT", timedelta(0))
    site = await make_site(console, database, PlanName.SANDBOX)
    await fill_month(installation, site.account, f"{datetime.now(UTC):%Y-%m}", tokens)
    async with site.browser() as browser:
        page = await browser.get(f"/tenants/{site.slug}")
    assert [each for each in told if each not in text_of(page)] == []
    assert "Invite a colleague" not in page.text  # the sandbox has one seat


async def fill_month(installation: Installation, account: str, month: str, tokens: int) -> None:
    data = await asyncpg.connect(installation.data_url)
    await data.execute(
        "INSERT INTO ledger.account_month VALUES ($1, $2, $3::int, $3)", account, month, tokens
    )
    await data.close()


async def test_a_suspended_tenant_says_so(console: Console, database: Database) -> None:
    site = await make_site(console, database)
    await suspend_tenant(database, site.slug)
    async with site.browser() as browser:
        page = await browser.get(f"/tenants/{site.slug}")
        assert "No token is issued here while the tenant is suspended" in page.text


async def test_it_is_nobody_elses(console: Console, database: Database) -> None:
    site = await make_site(console, database)
    async with console.signed_in(await make_account(database)) as browser:
        assert (await browser.get(f"/tenants/{site.slug}")).status_code == 404
    async with site.browser(Role.BILLING) as browser:
        assert (await browser.get(f"/tenants/{site.slug}")).status_code == 403
