"""What support does to a customer: overrides, suspensions, deletion by two (C3, C4)."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update

from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from control_plane.jobs.limits import look_at_limits
from control_plane.limits.rules import LimitReached
from control_plane.members.rules import Role
from control_plane.publishing.snapshots import edit_tenant
from control_plane.staff.rules import StaffRole
from control_plane.support.suspensions.deletions import deletions_of
from control_plane.tenancy.actions import tenants_of
from control_plane.tenants.actions import InvalidTenant, resume_tenant, show_tenant
from control_plane.tenants.deletion import delete_as_approved
from shared.domain.snapshot import IssuerSnapshot, TenantStatus
from shared.runtime.config import Config, Key
from shared.runtime.database import Database
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.control import account as accounts
from shared.runtime.tables.control import issuer_snapshot
from shared.runtime.tables.staff import staff_event
from shared.runtime.tables.support_acts import limit_override
from tests.control_plane.console import Console, make_account, text_of
from tests.control_plane.support_app import Support
from tests.support import MadeTenant, make_tenant


@pytest.fixture
async def tenant(database: Database, settings: Config) -> tuple[str, MadeTenant]:
    account = await make_account(database)
    return account, await make_tenant(database, settings, account=account)


async def published(database: Database, made: MadeTenant) -> IssuerSnapshot:
    await look_at_limits(database, datetime.now(UTC))
    async with database.control() as connection:
        body = await connection.scalar(
            select(issuer_snapshot.c.body).where(issuer_snapshot.c.tenant_id == made.tenant_id)
        )
    return msgspec.json.decode(str(body), type=IssuerSnapshot)


async def recorded(database: Database, account: str) -> list[str]:
    async with database.control() as connection:
        rows = await connection.scalars(
            select(account_event.c.action)
            .where(account_event.c.account_id == account)
            .order_by(account_event.c.seq)
        )
        return list(rows)


async def recorded_of(database: Database, staff_id: str) -> list[str]:
    async with database.control() as connection:
        rows = await connection.scalars(
            select(staff_event.c.action)
            .where(staff_event.c.actor_id == staff_id)
            .order_by(staff_event.c.seq)
        )
        return list(rows)


def until(days: float = 1) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M}"


async def test_an_override_holds_until_its_time_is_over(
    support: Support, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}/limits"
    async with support.signed_in(StaffRole.AGENT, account) as browser:
        told = await browser.act(path, field="rate", value="50", until=until())
        assert told.status_code == 303, text_of(told)
        page = text_of(await browser.get(path))
        assert "5 (burst 10)" in page
        assert "50 (burst 100)" in page
        assert "being applied" in page
        assert (await published(database, made)).limits.rate.per_second == 50  # type: ignore[union-attr]
        assert "being applied" not in text_of(await browser.get(path))
        assert "limit.override" in await recorded_of(database, browser.by.id)
    over = datetime.now(UTC) - timedelta(seconds=1)
    async with database.control() as connection:
        await connection.execute(
            update(limit_override)
            .where(limit_override.c.account_id == account)
            .values(ends_at=over)
        )
    assert (await published(database, made)).limits.rate.per_second == 5  # type: ignore[union-attr]
    actions = await recorded(database, account)
    assert actions[-2:] == ["limit.override", "limit.override_over"]


async def test_an_override_is_replaced_and_ended(
    support: Support, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}/limits"
    async with support.signed_in(StaffRole.AGENT, account) as browser:
        for value in ("20000", "30000"):
            told = await browser.act(path, field="tokens", value=value, until=until())
            assert told.status_code == 303
        assert (await published(database, made)).limits.month.included == 30_000  # type: ignore[union-attr]
        assert (await browser.act(path + "/end", field="tokens")).status_code == 303
        assert (await published(database, made)).limits.month.included == 10_000  # type: ignore[union-attr]
        assert (await browser.act(path + "/end", field="tokens")).status_code == 422


@pytest.mark.parametrize(
    ("field", "value", "days"),
    [("rate", "0", 1), ("clients", "-1", 1), ("clients", "x", 1), ("clients", "7", -1),
     ("clients", "7", 400), ("plan", "7", 1), ("members", "0", 1)],
)  # fmt: skip
async def test_what_is_no_override_changes_nothing(
    support: Support,
    database: Database,
    tenant: tuple[str, MadeTenant],
    field: str,
    value: str,
    days: float,
) -> None:
    account, _ = tenant
    path = f"/support/accounts/{account}/limits"
    async with support.signed_in(StaffRole.AGENT, account) as browser:
        told = await browser.act(path, field=field, value=value, until=until(days))
    assert told.status_code == 422
    assert 'role="alert"' in told.text
    assert "limit.override" not in await recorded(database, account)


async def test_of_50_clients_at_once_an_overridden_limit_lets_in_as_many_as_it_says(
    support: Support, database: Database, peppers: tuple[Key, ...], tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant  # which has one client
    async with support.signed_in(StaffRole.AGENT, account) as browser:
        path = f"/support/accounts/{account}/limits"
        await browser.act(path, field="clients", value="3", until=until())
    new = NewClient(name="x", apis=(made.audience,))

    async def try_it() -> bool:
        try:
            await register_client(database, peppers, made.tenant_id, new)
        except LimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(try_it() for _ in range(50)))) == 2


async def test_a_suspended_account_issues_nothing_and_its_members_cannot_undo_that(
    support: Support, console: Console, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}"
    async with (
        support.signed_in(StaffRole.AGENT, account) as browser,
        console.signed_in(account) as owner,
    ):
        assert (await browser.act(path + "/suspension", kind="tokens")).status_code == 303
        assert (await published(database, made)).status is TenantStatus.SUSPENDED
        with pytest.raises(InvalidTenant, match="support has suspended"):
            await resume_tenant(database, made.slug)
        page = await owner.get("/tenants")
        assert page.status_code == 200
        assert "Our support has suspended this account." in text_of(page)
        assert (await browser.act(path + "/restore")).status_code == 303
        assert (await published(database, made)).status is TenantStatus.ACTIVE
    assert (await show_tenant(database, made.slug)).status is TenantStatus.ACTIVE
    assert (await recorded(database, account))[-2:] == ["account.suspend", "account.restore"]


async def test_a_closed_console_tells_every_member_and_goes_on_issuing(
    support: Support, console: Console, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}"
    async with support.signed_in(StaffRole.AGENT, account) as browser:
        assert (await browser.act(path + "/suspension", kind="console")).status_code == 303
    for role in Role:
        async with console.signed_in(account, role) as member:
            page = await member.get("/tenants")
            assert page.status_code == 403
            assert "is suspended" in text_of(page)
            assert console.config.mail_from in page.text.replace("&lt;", "<").replace("&gt;", ">")
            assert (await member.post("/tenants", slug="x")).status_code in {403, 405}
            assert (await member.get("/accounts")).status_code == 200
    assert (await published(database, made)).status is TenantStatus.ACTIVE


async def test_only_a_lead_suspends_everything_or_restores_it(
    support: Support, tenant: tuple[str, MadeTenant]
) -> None:
    account, _ = tenant
    path = f"/support/accounts/{account}"
    async with (
        support.signed_in(StaffRole.AGENT, account) as agent,
        support.signed_in(StaffRole.LEAD, account) as lead,
    ):
        assert (await agent.act(path + "/suspension", kind="full")).status_code == 422
        assert (await lead.act(path + "/suspension", kind="full")).status_code == 303
        assert (await agent.act(path + "/suspension", kind="console")).status_code == 422
        assert (await agent.act(path + "/restore")).status_code == 422
        assert "Everything" in text_of(await agent.get(path + "/suspension"))
        assert (await lead.act(path + "/restore")).status_code == 303


async def test_the_operators_account_is_not_supports(support: Support) -> None:
    async with support.signed_in(StaffRole.LEAD, "operator") as lead:
        path = "/support/accounts/operator"
        assert (await lead.act(path + "/suspension", kind="tokens")).status_code == 422
        told = await lead.act(path + "/limits", field="rate", value="1", until=until())
        assert told.status_code == 422


async def test_a_tenant_goes_when_two_of_the_staff_agree(
    support: Support, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}/deletions"
    async with (
        support.signed_in(StaffRole.LEAD, account) as one,
        support.signed_in(StaffRole.LEAD, account) as other,
        support.signed_in(StaffRole.AGENT, account) as agent,
    ):
        assert (await one.act(path, slug=made.slug)).status_code == 303
        assert (await other.act(path, slug=made.slug)).status_code == 422  # asked for already
        (asked,) = await deletions_of(support.own, account)
        approve = f"{path}/{asked.id}/approve"
        own = await one.act(approve)
        assert own.status_code == 422
        assert "another of the staff has to approve it" in text_of(own)
        assert (await agent.act(approve)).status_code == 403
        assert (await show_tenant(database, made.slug)).deletes_at is None
        assert (await other.act(approve)).status_code == 303
        assert (await other.act(approve)).status_code == 422  # decided already
        await delete_as_approved(database, asked.id, datetime.now(UTC), "https://c.test")
        assert (await show_tenant(database, made.slug)).deletes_at is not None
        assert "its deletion has begun" in text_of(await one.get(path))
    actions = await recorded(database, account)
    assert actions[-3:] == ["deletion.ask", "deletion.approve", "tenant.ask_deletion"]


async def test_a_deletion_that_is_declined_changes_nothing(
    support: Support, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}/deletions"
    async with support.signed_in(StaffRole.AGENT, account) as agent:
        await agent.act(path, slug=made.slug)
        (asked,) = await deletions_of(support.own, account)
        assert (await agent.act(f"{path}/{asked.id}/decline")).status_code == 303
        assert "declined" in text_of(await agent.get(path))
    await delete_as_approved(database, asked.id, datetime.now(UTC), "https://c.test")
    assert (await show_tenant(database, made.slug)).deletes_at is None


async def test_a_deletion_waits_in_sight_of_all_until_it_is_decided(
    support: Support, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    path = f"/support/accounts/{account}/deletions"
    link, of_tenant = f'href="{path}"', f"/support/accounts/{account}/tenants/{made.slug}"
    async with (
        support.signed_in(StaffRole.AGENT, account) as agent,
        support.signed_in(StaffRole.LEAD) as lead,
    ):
        assert link not in (await lead.get("/support")).text
        await agent.act(path, slug=made.slug, reason="they are bankrupt")
        start = text_of(await lead.get("/support"))
        assert "Deletions that wait for another of us" in start
        assert link in (await lead.get("/support")).text
        assert "they are bankrupt" not in start  # of an account that is not opened
        waiting = text_of(await agent.get(of_tenant))
        assert f"Its deletion was asked for by {agent.by.email}" in waiting
        assert "they are bankrupt" in waiting
        (asked,) = await deletions_of(support.own, account)
        await agent.act(f"{path}/{asked.id}/decline")
        assert link not in (await lead.get("/support")).text
        assert "Its deletion was asked for" not in text_of(await agent.get(of_tenant))


async def test_tenants_that_are_changed_meanwhile_stay_suspended(
    support: Support, database: Database, tenant: tuple[str, MadeTenant]
) -> None:
    account, made = tenant
    async with support.signed_in(StaffRole.AGENT, account) as agent:
        await agent.act(f"/support/accounts/{account}/suspension", kind="tokens")
    async with edit_tenant(database, made.tenant_id):
        pass
    assert (await published(database, made)).status is TenantStatus.SUSPENDED
    assert await tenants_of(database, account) == [made.tenant_id]
    async with database.control() as connection:
        held = await connection.scalar(select(accounts.c.suspended).where(accounts.c.id == account))
    assert held == "tokens"
