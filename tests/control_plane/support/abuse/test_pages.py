"""Who stands out among all tenants is seen, and throttled with a reason that both logs keep."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex

import asyncpg
import pytest

from control_plane.audit.actions import list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.staff.rules import StaffRole
from control_plane.usage.actions import roll_up_days
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import Support
from tests.control_plane.usage.happenings import count
from tests.ledgers import opened_ledger
from tests.support import Installation, MadeTenant, make_tenant

pytestmark = pytest.mark.usefixtures("quick_keys")

_LOUD = 2_000_000  # more than what other tests count
_THROTTLE = "/support/abuse/throttle"


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database, PlanName.STARTER)


@pytest.fixture
async def loud(
    database: Database, settings: Config, installation: Installation, account: str
) -> MadeTenant:
    """A tenant with more of everything than all others, in this hour."""
    made = await make_tenant(database, settings, account=account)
    owner = await asyncpg.connect(installation.owner_url)
    for event in ("issued", "refused:invalid_client", "limited"):
        await owner.execute(
            "INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)"
            " VALUES (date_trunc('hour', now()), 0, $1, 1, $2, 'c_1', '', $3)",
            _LOUD,
            made.tenant_id,
            event,
        )
    await owner.close()
    return made


@pytest.mark.parametrize("over", ["", "?over=day"])
async def test_who_stands_out_is_on_each_board(
    support: Support, loud: MadeTenant, account: str, over: str
) -> None:
    async with support.signed_in(StaffRole.READER) as browser:
        page = await browser.get(f"/support/abuse{over}")
    assert page.status_code == 200
    link = f'href="/support/accounts/{account}/tenants/{loud.slug}"'
    boards = page.text.split("<section")[1:4]
    assert [link in each for each in boards] == [True, True, True]
    assert "2,000,000" in boards[0]
    assert "4,000,000" in boards[1]
    assert _THROTTLE not in page.text  # a reader throttles nobody


async def test_what_is_long_ago_is_on_no_board(
    support: Support, database: Database, settings: Config, installation: Installation, account: str
) -> None:
    made = await make_tenant(database, settings, account=account)
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute("SELECT ledger.ensure_partitions()")
    await owner.execute(
        "INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)"
        " VALUES ($1, 0, $2, 1, $3, 'c_1', '', 'issued')",
        datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3),
        2 * _LOUD,
        made.tenant_id,
    )
    await owner.close()
    await roll_up_days(database, datetime.now(UTC).date())
    async with support.signed_in(StaffRole.READER) as browser:
        hour, day = (
            await browser.get("/support/abuse"),
            await browser.get("/support/abuse?over=day"),
        )
    assert made.slug not in hour.text
    assert made.slug in day.text
    assert f"{2 * _LOUD:,}" in day.text  # once, though both an hour and a day have it


async def test_when_the_data_plane_last_counted_is_told(
    support: Support, database: Database, settings: Config, installation: Installation
) -> None:
    made = await make_tenant(database, settings)
    async with opened_ledger(installation.data_url) as real:
        await count(real, made.tenant_id, [("c_1", "", "introspected", 1)])
    began = datetime.now(UTC)
    async with support.signed_in(StaffRole.READER) as browser:
        page = text_of(await browser.get("/support/abuse"))
    minutes = (began - timedelta(minutes=1), began, datetime.now(UTC))
    assert any(f"at {each:%H:%M} UTC" in page for each in minutes)


async def test_bursts_of_sign_ups_are_seen_by_their_domain(
    support: Support, database: Database
) -> None:
    domain = f"{token_hex(4)}.example"
    for _ in range(3):
        person_id, account_id = f"p_{token_hex(8)}", await make_account(database)
        async with database.control() as connection:
            await add_person(connection, person_id, f"{person_id}@{domain}", None)
            await add_member(connection, account_id, person_id, Role.OWNER)
    async with support.signed_in(StaffRole.READER) as browser:
        page = text_of(await browser.get("/support/abuse"))
    assert f"{domain} 3" in page
    assert f"{datetime.now(UTC):%Y-%m-%d}" in page
    assert "Deletions that wait" in page


async def test_a_throttle_opens_the_account_by_its_reason_and_both_logs_have_it(
    support: Support, database: Database, account: str
) -> None:
    async with support.signed_in(StaffRole.AGENT) as browser:
        sent = await browser.act(_THROTTLE, account_id=account, rate="2", hours="24")
        assert sent.headers["location"] == f"/support/accounts/{account}"
        page = text_of(await browser.get(f"/support/accounts/{account}"))
    assert "2 (burst 4)" in page
    events = await list_events(database, Chain(ACCOUNT, account), Sought(), before=2**62, limit=2)
    assert [each.action for each in events] == ["limit.override", "support.open"]
    assert all('"reason":"a test"' in (each.after or "") for each in events)


async def test_nobody_is_throttled_without_a_reason_a_right_or_an_account(
    support: Support, account: str
) -> None:
    fields = {"account_id": account, "rate": "2", "hours": "24"}
    async with support.signed_in(StaffRole.AGENT) as agent:
        unreasoned = await agent.post(_THROTTLE, **fields)
        unknown = await agent.act(_THROTTLE, **fields | {"account_id": "a_0123456789abcdef"})
        unread = await agent.act(_THROTTLE, **fields | {"rate": "0"})
    async with support.signed_in(StaffRole.BILLING) as other:
        refused = await other.act(_THROTTLE, **fields)
    async with support.signed_in(StaffRole.LEAD, account) as lead:
        page = text_of(await lead.get(f"/support/accounts/{account}"))
    assert [each.status_code for each in (unreasoned, unknown, unread, refused)] == [
        403,
        404,
        422,
        403,
    ]
    assert "2 (burst 4)" not in page
