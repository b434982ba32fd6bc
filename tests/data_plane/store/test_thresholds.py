"""The shares of a month's tokens are recorded once each, whichever worker sees them."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex

import asyncpg
import pytest

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from data_plane.store.thresholds import StoredThresholds
from tests.isolation.patient_pool import opened_pool
from tests.support import Installation


@pytest.fixture
async def pool(installation: Installation) -> AsyncIterator[Pool]:
    async with opened_pool(installation.data_url) as opened:
        yield opened


async def test_of_many_workers_that_see_it_one_has_recorded_it(pool: Pool) -> None:
    account = f"a_{token_hex(8)}"
    workers = [StoredThresholds(pool) for _ in range(5)]
    new = await asyncio.gather(*(each.reach(account, "2026-11", (60, 80)) for each in workers))
    assert sorted(percent for each in new for percent in each) == [60, 80]
    assert await workers[0].reach(account, "2026-11", (60, 80, 100)) == (100,)
    assert await workers[0].reach(account, "2026-12", (60,)) == (60,)


async def test_the_control_planes_login_reads_them_and_writes_none(
    pool: Pool, installation: Installation
) -> None:
    account = f"a_{token_hex(8)}"
    await StoredThresholds(pool).reach(account, "2026-11", (60,))
    connection = await asyncpg.connect(installation.control_url)
    query = "SELECT percent FROM ledger.quota_threshold WHERE account = $1"
    assert await connection.fetchval(query, account) == 60
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM ledger.quota_threshold")
    await connection.close()


async def test_a_database_that_is_away_is_said_to_be() -> None:
    pool = Pool("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(TemporarilyUnavailable):
        await StoredThresholds(pool).reach("a", "2026-11", (60,))
