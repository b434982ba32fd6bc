"""Days that are rolled up say what their hours say, however late those were counted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.usage import repository
from control_plane.usage.actions import roll_up_days
from control_plane.usage.months import Span, begin_of
from shared.domain.ids import TenantId
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.migrations.conftest import add_bare_tenant, as_plain_login
from tests.support import Installation, opened

DAY = timedelta(days=1)
BY = ("day", "client_id", "api", "event")
BY_ALL = ("day", "api", "event")
BY_CLIENT = ("client_id", "api", "event")  # of whole months

Count: TypeAlias = tuple[int, int, int, str, str, int]  # days ago, hour, writer, client, event, n

_counts = st.lists(
    st.tuples(
        st.integers(0, 31),
        st.integers(0, 23),
        st.integers(1, 2),
        st.sampled_from(["c_1", "c_2", ""]),
        st.sampled_from(["issued", "introspected", "refused:invalid_scope"]),
        st.integers(1, 1000),
    ),
    max_size=12,
)
_rounds = st.lists(st.tuples(_counts, st.integers(1, 40)), min_size=1, max_size=3)

_ADD = """
INSERT INTO ledger.usage AS held (hour, minutes, count, writer, tenant, client_id, api, event)
VALUES ($1, 0, $2, $3, $4, $5, 'https://api.example', $6)
ON CONFLICT (tenant, hour, client_id, api, event, writer) DO UPDATE
SET count = held.count + excluded.count
"""
_OF_HOURS = """
SELECT {by}, sum(count) AS total
FROM (SELECT *, (hour AT TIME ZONE 'UTC')::date AS day FROM ledger.usage) hours
WHERE tenant = $1 GROUP BY {by}
"""
# What is rolled up is neither more nor less than the hours before the bound.
_DIFFERENCE = """
SELECT coalesce(sum(count), 0) - (
  SELECT coalesce(sum(count), 0) FROM ledger.usage, ledger.rolled_up
  WHERE tenant = $1 AND hour < until
) FROM ledger.{table} WHERE tenant = $1
"""


@pytest.fixture(scope="module")
def plain(postgres: EmbeddedPostgres) -> Installation:
    """An installation whose owner is held by row-level security that is forced."""
    return new_installation(as_plain_login(postgres.url))


async def opened_superuser(installation: Installation, postgres: EmbeddedPostgres) -> Any:
    name = installation.owner_url.rpartition("/")[2]
    return await asyncpg.connect(postgres.url.rpartition("/")[0] + f"/{name}")


async def totals(
    database: Database, tenant: TenantId, span: Span, by: tuple[str, ...]
) -> dict[tuple[str, ...], int]:
    async with database.tenant(tenant) as connection:
        found = await repository.sum_usage(connection, span, by, {})
    return {each.of: each.count for each in found}


async def _add(owner: Any, tenant: TenantId, counts: list[Count], today: datetime) -> None:
    for days, hour, writer, client_id, event, count in counts:
        at = today - days * DAY + timedelta(hours=hour)
        await owner.execute(_ADD, at, count, writer, tenant, client_id, event)


async def _of_hours(
    owner: Any, tenant: TenantId, by: tuple[str, ...]
) -> dict[tuple[str, ...], int]:
    rows = await owner.fetch(_OF_HOURS.format(by=", ".join(by)), tenant)
    return {tuple(str(row[name]) for name in by): row["total"] for row in rows}


async def check_rounds(
    installation: Installation, postgres: EmbeddedPostgres, rounds: list[tuple[list[Count], int]]
) -> None:
    """Count and roll up by turns; `ago`: how many days nobody has rolled up."""
    owner = await opened_superuser(installation, postgres)
    today = datetime.now(UTC).date()
    span = Span(today - 40 * DAY, today + DAY)
    months = Span(span.first.replace(day=1), (today.replace(day=1) + 32 * DAY).replace(day=1))
    for ago in range(41):
        month = (today - ago * DAY).replace(day=1)
        await owner.execute("SELECT ledger.make_month('usage', $1)", month)
    async with opened(installation.control_url) as database:
        tenant, other = await add_bare_tenant(database), await add_bare_tenant(database)
        for counts, ago in rounds:
            for each in (tenant, other):
                await _add(owner, each, counts, begin_of(today))
            await owner.execute(
                "UPDATE ledger.rolled_up SET until = least(until, $1)", begin_of(today) - ago * DAY
            )
            await roll_up_days(database, today)
            for of, by in ((span, BY), (span, BY_ALL), (months, BY_CLIENT)):
                assert await totals(database, tenant, of, by) == await _of_hours(owner, tenant, by)
            for table in ("usage_day", "usage_day_all", "usage_month"):
                assert await owner.fetchval(_DIFFERENCE.format(table=table), tenant) == 0
    await owner.close()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=_rounds)
def test_after_each_roll_up_days_and_hours_say_the_same(
    plain: Installation, postgres: EmbeddedPostgres, rounds: list[tuple[list[Count], int]]
) -> None:
    asyncio.run(check_rounds(plain, postgres, rounds))


async def test_no_day_is_left_out_and_no_tenant_rolls_up(plain: Installation) -> None:
    today = datetime.now(UTC).date()
    async with opened(plain.control_url) as database:
        async with database.control() as connection:
            assert await repository.roll_up(connection, today + DAY) == 0
            assert await repository.rolled_until(connection) <= datetime.now(UTC)
        tenant = await add_bare_tenant(database)
        with pytest.raises(Exception, match="permission denied"):
            async with database.tenant(tenant) as connection:
                await repository.roll_up(connection, today - DAY)
    owner = await asyncpg.connect(plain.owner_url)
    async with owner.transaction():
        await owner.execute(
            "UPDATE ledger.rolled_up SET until = $1", begin_of(today) - 2 * DAY - DAY / 2
        )
        with pytest.raises(asyncpg.RaiseError, match="rolled up first"):
            async with owner.transaction():
                await owner.execute("SELECT ledger.roll_up($1)", today - DAY)
    await owner.close()
