"""Plans and limits of accounts, and that every tenant is told of them."""

import asyncio
from collections.abc import Awaitable

import msgspec
import pytest
from sqlalchemy import select, update

from control_plane.accounts.actions import (
    UnknownAccount,
    create_account,
    publish_due_limits,
    set_limits,
    set_plan,
    show_limits,
)
from control_plane.accounts.rules import InvalidAccount, LimitsChange
from control_plane.publishing.snapshots import edit_tenant
from control_plane.tenants.actions import NewTenant, create_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import TenantId
from shared.domain.limits import NO_LIMITS, Enforcement, InvalidLimit, Rate, TenantLimits
from shared.domain.management import OPERATOR
from shared.domain.plan import PLANS, PlanName, monthly_quota
from shared.domain.snapshot import IssuerSnapshot
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from shared.runtime.tables.control import account, issuer_snapshot
from tests.support import new_slug

pytestmark = pytest.mark.usefixtures("quick_keys")

SANDBOX = TenantLimits(rate=Rate(5, 10), month=monthly_quota(PLANS[PlanName.SANDBOX]))


async def new_tenant(database: Database, sealer: Sealer, of: str = OPERATOR) -> TenantId:
    slug = new_slug()
    return await create_tenant(database, sealer, NewTenant(slug=slug, name=slug, account=of))


async def snapshot_of(database: Database, tenant: TenantId) -> IssuerSnapshot:
    async with database.control() as connection:
        body = await connection.scalar(
            select(issuer_snapshot.c.body).where(issuer_snapshot.c.tenant_id == tenant)
        )
    return msgspec.json.decode(str(body), type=IssuerSnapshot)


async def limits_of(database: Database, tenant: TenantId) -> TenantLimits:
    return (await snapshot_of(database, tenant)).limits


async def is_due(database: Database, account_id: str) -> bool:
    async with database.control() as connection:
        return bool(
            await connection.scalar(select(account.c.limits_due).where(account.c.id == account_id))
        )


async def test_the_operators_tenants_have_no_limits(database: Database, sealer: Sealer) -> None:
    assert await limits_of(database, await new_tenant(database, sealer)) == NO_LIMITS
    assert (await show_limits(database, OPERATOR)).chosen.plan is PlanName.OPERATOR


async def test_a_new_account_starts_in_the_sandbox(database: Database, sealer: Sealer) -> None:
    acme = await create_account(database, "Acme")
    assert (await show_limits(database, acme)).limits == SANDBOX
    assert await limits_of(database, await new_tenant(database, sealer, acme)) == SANDBOX


async def test_a_change_of_plan_is_published_to_all_the_accounts_tenants_and_to_no_other(
    database: Database, sealer: Sealer
) -> None:
    acme, other = await create_account(database, "Acme"), await create_account(database, "Other")
    await set_plan(database, acme, PlanName.SCALE)  # which has room for them
    tenants = [await new_tenant(database, sealer, acme) for _ in range(3)]
    others = await new_tenant(database, sealer, other)
    versions = [(await snapshot_of(database, each)).version for each in (*tenants, others)]
    assert await set_plan(database, acme, PlanName.GROWTH) == 3
    for tenant in tenants:
        assert (await limits_of(database, tenant)).rate == Rate(200, 400)
    found = [(await snapshot_of(database, each)).version for each in (*tenants, others)]
    assert found == [*(version + 1 for version in versions[:-1]), versions[-1]]
    assert not await is_due(database, acme)


async def test_limits_by_contract_outlive_a_change_of_plan_and_end_with_a_reset(
    database: Database, sealer: Sealer
) -> None:
    acme = await create_account(database, "Acme")
    tenant = await new_tenant(database, sealer, acme)
    change = LimitsChange(rate=Rate(7, 9), tokens=500, enforcement=Enforcement.OBSERVE)
    await set_limits(database, acme, change)
    await set_plan(database, acme, PlanName.GROWTH)
    await set_limits(database, acme, LimitsChange(overage_cap=10_00))
    limits = await limits_of(database, tenant)
    assert (limits.rate, limits.observed) == (Rate(7, 9), True)
    assert limits.month is not None
    assert (limits.month.included, limits.month.allowed) == (500, 500 + 100_000)
    await set_limits(database, acme, LimitsChange(overage_cap=0))
    found = (await limits_of(database, tenant)).month
    assert found is not None
    assert found.allowed == 550
    await set_limits(database, acme, LimitsChange(reset=True))
    found_limits = await limits_of(database, tenant)
    assert (found_limits.rate, found_limits.observed) == (Rate(200, 400), False)
    assert found_limits.month == monthly_quota(PLANS[PlanName.GROWTH])


async def test_what_was_cut_off_half_way_is_finished(database: Database, sealer: Sealer) -> None:
    """The account is changed and marked, and no tenant was told: as after kill -9."""
    acme = await create_account(database, "Acme")
    await set_plan(database, acme, PlanName.GROWTH)  # which has room for two
    told, untold = [await new_tenant(database, sealer, acme) for _ in range(2)]
    async with database.control() as connection:
        await connection.execute(
            update(account)
            .where(account.c.id == acme)
            .values(plan="scale", limits_version=2, limits_due=True)
        )
    async with edit_tenant(database, told):
        pass
    assert (await limits_of(database, told)).rate == Rate(500, 1_000)
    assert (await limits_of(database, untold)).rate == Rate(200, 400)
    await publish_due_limits(database)
    assert (await limits_of(database, untold)).rate == Rate(500, 1_000)
    assert not await is_due(database, acme)


async def test_whatever_happens_at_once_every_tenant_ends_with_the_last_limits(
    database: Database, sealer: Sealer
) -> None:
    acme = await create_account(database, "Acme")
    await set_plan(database, acme, PlanName.SCALE)  # which has room for them
    first = await new_tenant(database, sealer, acme)

    async def edit() -> None:
        async with edit_tenant(database, first):
            pass

    work: list[Awaitable[object]] = []
    for _ in range(3):
        plans = (PlanName.SCALE, PlanName.BUSINESS)
        work += [set_plan(database, acme, each) for each in plans]
        work += [edit(), new_tenant(database, sealer, acme)]
    done = await asyncio.gather(*work)
    tenants = [first, *(TenantId(each) for each in done if isinstance(each, str))]
    assert len(tenants) == 4
    expected = (await show_limits(database, acme)).limits
    assert [await limits_of(database, each) for each in tenants] == [expected] * 4
    await publish_due_limits(database)
    assert not await is_due(database, acme)


async def test_a_deleted_tenant_is_left_alone(database: Database, sealer: Sealer) -> None:
    acme, slug = await create_account(database, "Acme"), new_slug()
    await create_tenant(database, sealer, NewTenant(slug=slug, name=slug, account=acme))
    await delete_tenant(database, slug)
    assert await set_plan(database, acme, PlanName.STARTER) == 0


async def test_what_cannot_be_is_refused_and_changes_nothing(database: Database) -> None:
    acme = await create_account(database, "Acme")
    for change in (
        LimitsChange(rate=Rate(0, 1)),
        LimitsChange(rate=Rate(1, 0)),
        LimitsChange(tokens=0),
        LimitsChange(overage_cap=-1),
        LimitsChange(overage_cap=100),  # the sandbox sells none
    ):
        with pytest.raises(InvalidLimit):
            await set_limits(database, acme, change)
    with pytest.raises(InvalidAccount):
        await set_plan(database, acme, PlanName.OPERATOR)
    with pytest.raises(InvalidAccount):
        await set_plan(database, OPERATOR, PlanName.BUSINESS)
    with pytest.raises(UnknownAccount):
        await set_plan(database, "a_unknown", PlanName.GROWTH)
    assert (await show_limits(database, acme)).limits == SANDBOX
