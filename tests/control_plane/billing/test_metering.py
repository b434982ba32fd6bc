"""Tokens over the plan: what is written down equals the ledger to the token, once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from control_plane.accounts.actions import change_limits, change_plan
from control_plane.accounts.rules import LimitsChange
from control_plane.audit.rules import BY_OPERATOR
from control_plane.billing import repository
from control_plane.billing.metering import agree, count, count_all
from control_plane.billing.records import set_sent, unsent_usage
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from shared.runtime.tables.billing import metered_usage
from tests.control_plane.billing.accounts import issue, make_customer
from tests.support import Installation

_NOW = datetime(2026, 11, 15, 12, 10, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_INCLUDED = 100_000  # Starter


async def buyer(database: Database, plan: PlanName = PlanName.STARTER) -> str:
    account = await make_customer(database, plan)
    await set_cap(database, account, 100_00)
    return account


async def set_cap(database: Database, account: str, cap: int, now: datetime = _NOW) -> None:
    async with database.control() as connection:
        await repository.lock_customer(connection, account)
        await count(connection, account, now)
        await change_limits(connection, account, LimitsChange(overage_cap=cap), BY_OPERATOR)
        await agree(connection, account, now)


async def move(database: Database, account: str, plan: PlanName, now: datetime) -> None:
    async with database.control() as connection:
        await count(connection, account, now)
        await change_plan(connection, account, plan, BY_OPERATOR)
        await agree(connection, account, now)


async def written(database: Database, account: str) -> int:
    async with database.control() as connection:
        found = await connection.scalar(
            select(func.coalesce(func.sum(metered_usage.c.tokens), 0)).where(
                metered_usage.c.account_id == account
            )
        )
    return int(found or 0)


async def test_hour_by_hour_it_is_what_the_ledger_has_over_the_plan(
    billed: Database, billed_installation: Installation
) -> None:
    account, issued = await buyer(billed), 0
    for hour, tokens in enumerate([60_000, 39_999, 0, 1, 1, 5_000, 0, 123]):
        await issue(billed_installation, account, "2026-11", tokens)
        issued += tokens
        await count_all(billed, _NOW + hour * _HOUR)
        await count_all(billed, _NOW + hour * _HOUR)  # two jobs, or one again
        assert await written(billed, account) == max(0, issued - _INCLUDED)


async def test_late_tokens_of_a_month_that_ended_are_counted_by_what_it_included(
    billed: Database, billed_installation: Installation
) -> None:
    account = await buyer(billed, PlanName.GROWTH)
    await issue(billed_installation, account, "2026-11", 900_000)
    await count_all(billed, _NOW)
    december = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    await move(billed, account, PlanName.STARTER, december)
    await issue(billed_installation, account, "2026-11", 100_007)
    await count_all(billed, december + _HOUR)
    assert await written(billed, account) == 7


async def test_what_was_used_before_it_was_bought_is_not_billed_and_after_is(
    billed: Database, billed_installation: Installation
) -> None:
    account = await make_customer(billed, PlanName.STARTER)
    await issue(billed_installation, account, "2026-11", _INCLUDED + 9_000)
    await set_cap(billed, account, 100_00)
    await count_all(billed, _NOW)
    assert await written(billed, account) == 0
    await issue(billed_installation, account, "2026-11", 11)
    await set_cap(billed, account, 0)  # counts up to here
    await issue(billed_installation, account, "2026-11", 500)
    await count_all(billed, _NOW)
    assert await written(billed, account) == 11


async def test_a_greater_plan_takes_back_nothing_and_bills_nothing_twice(
    billed: Database, billed_installation: Installation
) -> None:
    account = await buyer(billed)
    await issue(billed_installation, account, "2026-11", _INCLUDED + 40)
    await move(billed, account, PlanName.GROWTH, _NOW)
    await issue(billed_installation, account, "2026-11", 900_000)
    await count_all(billed, _NOW + _HOUR)
    assert await written(billed, account) == 40 + 40


async def test_each_row_has_an_identifier_of_its_own_and_is_unsent_until_it_is_sent(
    billed: Database, billed_installation: Installation
) -> None:
    account = await buyer(billed)
    await issue(billed_installation, account, "2026-11", _INCLUDED)
    for _ in range(3):
        await issue(billed_installation, account, "2026-11", 1)
        await count_all(billed, _NOW)
    async with billed.control() as connection:
        rows = [each for each in await unsent_usage(connection, 1000) if each.account_id == account]
        assert [each.identifier for each in rows] == [
            f"{account}-2026111512-{number}" for number in (1, 2, 3)
        ]
        await set_sent(connection, rows[0].identifier, _NOW)
        left = [each for each in await unsent_usage(connection, 1000) if each.account_id == account]
    assert left == rows[1:]
