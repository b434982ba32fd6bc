"""Group commit: what was answered is committed, and many answers share a commit."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from data_plane.ports import IssuedToken
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from tests.ledgers import RealLedger, issued, opened_ledger
from tests.support import Installation

_NOWHERE = "postgresql://nobody:x@127.0.0.1:9/none"


async def found(installation: Installation, tokens: list[IssuedToken]) -> int:
    connection = await asyncpg.connect(installation.owner_url)
    try:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM ledger.issued WHERE jti = ANY($1::uuid[])",
                [UUID(bytes=each.jti) for each in tokens],
            )
        )
    finally:
        await connection.close()


@pytest.fixture
async def real(installation: Installation) -> AsyncIterator[RealLedger]:
    async with opened_ledger(installation.data_url) as opened:
        await opened.ledger.ensure_partitions()
        yield opened


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[RealLedger]:
    """A ledger without a database, and without a spool."""
    pool = Pool(_NOWHERE)
    alone = RealLedger(_NOWHERE, pool, tmp_path)
    yield alone
    await alone.ledger.close()


async def test_a_record_is_committed_when_record_returns(
    installation: Installation, real: RealLedger
) -> None:
    token = issued()
    await real.ledger.record(token)
    assert await found(installation, [token]) == 1


async def test_requests_in_flight_share_commits(
    installation: Installation, real: RealLedger
) -> None:
    tokens = [issued() for _ in range(500)]
    await asyncio.gather(*(real.ledger.record(each) for each in tokens))
    assert await found(installation, tokens) == 500
    assert sum(real.commits) == 500
    assert len(real.commits) < 50


async def test_a_client_that_leaves_takes_no_record_with_it(
    installation: Installation, real: RealLedger
) -> None:
    tokens = [issued() for _ in range(20)]
    requests = [asyncio.create_task(real.ledger.record(each)) for each in tokens]
    await asyncio.sleep(0)
    for request in requests[::2]:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    await real.ledger.drain()
    assert await found(installation, tokens[1::2]) == 10  # every one that was answered
    assert sum(real.commits) == await found(installation, tokens)


async def test_without_database_and_spool_it_refuses_soon_and_in_words(away: RealLedger) -> None:
    async with asyncio.timeout(10):
        results = await asyncio.gather(
            *(away.ledger.record(issued()) for _ in range(3)), return_exceptions=True
        )
    assert all(isinstance(result, TemporarilyUnavailable) for result in results)


async def test_it_does_not_pile_up_without_bound(away: RealLedger) -> None:
    requests = [asyncio.create_task(away.ledger.record(issued())) for _ in range(6_000)]
    results = await asyncio.gather(*requests, return_exceptions=True)
    refused_at_once = [each for each in results if "fast enough" in str(each)]
    assert len(refused_at_once) == 1_000


async def test_making_partitions_again_changes_nothing(
    installation: Installation, real: RealLedger
) -> None:
    connection = await asyncpg.connect(installation.owner_url)
    try:
        assert await connection.fetchval("SELECT ledger.ensure_partitions()") == 0
        days = await connection.fetchval(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ledger.issued'::regclass"
        )
    finally:
        await connection.close()
    assert days >= 9  # yesterday, today and a week to come
    assert real.commits == []
