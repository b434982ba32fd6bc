"""What the frame of every page shows: the tenant switcher, and how much of the month is used."""

import time
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest
from sqlalchemy import insert, text

from control_plane.http.meter import Meter
from control_plane.limits.actions import Meters
from control_plane.members.repository import list_members, remove_member
from control_plane.members.rules import Role
from control_plane.tenancy.actions import list_own_tenants, search_own_tenants
from shared.domain.ids import tenant_id
from shared.domain.limits import MonthlyQuota
from shared.domain.management import OPERATOR
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.ledger import account_month
from tests.control_plane.console import Console, make_account, text_of
from tests.support import Installation, opened

_MANY = 10_000
_FAST = 0.5  # seconds, for both

_ADD_MANY = text("""
INSERT INTO control.tenant (id, slug, name, account_id, status, schema_revision)
SELECT translate(lpad(n::text, 13, '0'), '0189', 'abij'),
  format('many-%s-x', lpad(n::text, 5, '0')), 'Thing', :account, 'active', '0001'
FROM generate_series(0, :last) AS n
""")


async def add_rows(installation: Installation, account_id: str, slugs: list[str]) -> None:
    """Add rows of tenants that nobody looks into, and only of accounts of their own."""
    rows = [
        {
            "id": tenant_id(bytes.fromhex(token_hex(8))),
            "slug": slug,
            "name": f"Thing {slug}",
            "account_id": account_id,
            "status": "deleted" if slug.startswith("gone") else "active",
            "deleted_at": datetime.now(UTC) if slug.startswith("gone") else None,
            "schema_revision": "0001",
        }
        for slug in slugs
    ]
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(insert(tenant), rows)
        await connection.execute(text("ANALYZE control.tenant"))


async def remove_rows(installation: Installation, account_id: str) -> None:
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(tenant.delete().where(tenant.c.account_id == account_id))


async def test_the_switcher_finds_by_slug_and_name_and_only_the_accounts_own(
    console: Console, database: Database, installation: Installation
) -> None:
    own, other = await make_account(database), await make_account(database)
    mark = token_hex(4)
    await add_rows(installation, own, [f"b-{mark}-shop", f"shop-{mark}", f"gone-{mark}-shop"])
    await add_rows(installation, other, [f"shop-{mark}-theirs"])
    try:
        async with console.signed_in(own) as browser:
            found = await browser.get("/switcher?q=sHOp", HX_Request="true")
            assert f"shop-{mark}-theirs" not in found.text
            assert f"gone-{mark}" not in found.text
            # what begins with the text comes before what only holds it
            assert found.text.index(f"/tenants/shop-{mark}") < found.text.index(
                f"/tenants/b-{mark}"
            )
            none = await browser.get("/switcher?q=%25", HX_Request="true")
            assert "No tenant has “%”" in none.text
            page = await browser.get("/tenants")
            assert 'action="/tenants" role="search" aria-label="Switch tenant"' in page.text
            plain = await browser.get("/switcher?q=a%26b")
            assert (plain.status_code, plain.headers["location"]) == (303, "/tenants?q=a%26b")
    finally:
        await remove_rows(installation, own)
        await remove_rows(installation, other)


async def test_billing_has_no_switcher(console: Console, database: Database) -> None:
    async with console.signed_in(await make_account(database), Role.BILLING) as browser:
        assert (await browser.get("/switcher", HX_Request="true")).status_code == 403
        assert 'id="switcher"' not in (await browser.get("/you")).text


async def test_ten_thousand_tenants_of_one_account_are_searched_fast(
    database: Database, installation: Installation
) -> None:
    account_id = await make_account(database)
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(_ADD_MANY, {"account": account_id, "last": _MANY - 1})
        await connection.execute(text("ANALYZE control.tenant"))
    try:
        seconds = []
        for _ in range(5):  # the best of them is what it takes; the others wait for their turn
            began = time.perf_counter()
            found = await search_own_tenants(database, account_id, "999", 8)
            listed = await list_own_tenants(database, account_id, "", 400)
            seconds.append(time.perf_counter() - began)
        assert min(seconds) < _FAST, seconds
    finally:
        await remove_rows(installation, account_id)
    assert [each.slug for each in found][:2] == ["many-00999-x", "many-01999-x"]
    assert (listed.total, listed.rows[0].slug) == (_MANY, "many-07980-x")


@pytest.mark.parametrize(
    ("used", "level"),
    [(0, ""), (59, ""), (60, "warn"), (79, "warn"), (80, "high"), (99, "high"), (100, "over")],
)
def test_the_meter_changes_its_colour_at_60_80_and_100_percent(used: int, level: str) -> None:
    meter = Meter(used, MonthlyQuota(included=90, bought=10, allowed=110))
    assert (meter.level, meter.percent) == (level, used)
    without = Meter(used, None)
    assert (without.level, without.percent) == ("", 0)


def announced(meter: Meter) -> int | None:
    return meter.quota.announced if meter.quota else None


async def use(installation: Installation, account_id: str, month: str, tokens: int) -> None:
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        for writer in (1, 2):  # what two workers counted is summed up
            await connection.execute(
                insert(account_month).values(
                    account=account_id, month=month, writer=writer, issued=tokens // 2
                )
            )


async def test_every_page_shows_what_is_used_of_the_month(
    console: Console, database: Database, installation: Installation
) -> None:
    account_id = await make_account(database)
    now = datetime.now(UTC)
    async with console.signed_in(account_id) as browser:
        assert "0 of 10,000 tokens this month" in text_of(await browser.get("/tenants"))
    for month in {f"{now:%Y-%m}", f"{now + timedelta(days=1):%Y-%m}", "2025-01"}:
        await use(installation, account_id, month, 8_400)
    meter = await Meters(database).of(account_id, datetime.now(UTC))
    assert (meter.used, announced(meter), meter.percent) == (8_400, 10_000, 84)


async def test_who_is_no_member_any_more_sees_no_meter(
    console: Console, database: Database
) -> None:
    account_id = await make_account(database)
    async with console.signed_in(account_id) as browser:
        async with database.control() as connection:
            (member,) = await list_members(connection, account_id)
            await remove_member(connection, account_id, member.person_id)
        page = await browser.get("/you")
        assert page.status_code == 200
        assert 'class="meter"' not in page.text


async def test_a_meter_is_read_again_after_ten_seconds_and_not_before(
    database: Database, installation: Installation
) -> None:
    account_id, now = await make_account(database, PlanName.STARTER), datetime.now(UTC)
    meters = Meters(database)
    meter = await meters.of(account_id, now)
    assert (meter.used, announced(meter)) == (0, 100_000)
    await use(installation, account_id, f"{now:%Y-%m}", 60)
    assert (await meters.of(account_id, now + timedelta(seconds=10))).used == 0
    later = now + timedelta(seconds=11)
    month_ends = f"{later:%Y-%m}" != f"{now:%Y-%m}"
    assert (await meters.of(account_id, later)).used == (0 if month_ends else 60)


async def test_who_runs_the_installation_has_no_limit(database: Database) -> None:
    assert (await Meters(database).of(OPERATOR, datetime.now(UTC))).quota is None


async def test_tokens_by_contract_stand_in_the_place_of_the_plans(
    database: Database, installation: Installation
) -> None:
    account_id = await make_account(database)
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        chosen = account.update().where(account.c.id == account_id)
        await connection.execute(chosen.values(custom_tokens=500))
    assert announced(await Meters(database).of(account_id, datetime.now(UTC))) == 500
