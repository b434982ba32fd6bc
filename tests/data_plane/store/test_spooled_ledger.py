"""A ledger whose database is slow, gone or unwilling: its tokens wait in the spool, once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from data_plane.ports import IssuedToken
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store import ledger as product
from data_plane.store.pool import Pool
from shared.domain.ids import uuid7
from tests.faults.load import until
from tests.faults.relay import Relay, relayed
from tests.ledgers import LIMIT, RealLedger, issued
from tests.support import Installation

_SOON = 60.0  # seconds; a busy machine's
_LONG_AGO = uuid7(1_000_000_000_000, 0).bytes  # a day in 2001, which has no partition


class Case:
    """Ledgers on one database behind a relay, which share a spool, and what they have recorded."""

    def __init__(self, url: str, relay: Relay, directory: Path) -> None:
        self.relay = relay
        self.directory = directory
        self.account = f"a_{token_hex(6)}"
        self.tokens: list[IssuedToken] = []
        self._url = url
        self._ends: dict[RealLedger, AsyncExitStack] = {}

    async def ledger(self, limit: int = LIMIT) -> RealLedger:
        pool = Pool(self._url)
        real = RealLedger(self._url, pool, self.directory, limit)
        self._ends[real] = stack = AsyncExitStack()
        stack.push_async_callback(pool.close)
        stack.push_async_callback(real.ledger.close)
        await stack.enter_async_context(real.replaying())
        return real

    async def end(self, real: RealLedger) -> None:
        await self._ends.pop(real).aclose()

    async def record(self, real: RealLedger, tokens: int, clients: int = 3) -> None:
        new = [
            issued(account=self.account, client_id=f"c_{self.account}_{number % clients}")
            for number in range(tokens)
        ]
        await asyncio.gather(*(real.ledger.record(each) for each in new))
        self.tokens += new

    async def aclose(self) -> None:
        for real in list(self._ends):
            await self.end(real)


@pytest.fixture
async def case(installation: Installation, tmp_path: Path) -> AsyncIterator[Case]:
    async with relayed(installation.data_url) as (url, relay), AsyncExitStack() as stack:
        case = Case(url, relay, tmp_path / "spool")
        stack.push_async_callback(case.aclose)
        stack.callback(relay.release)
        yield case


@asynccontextmanager
async def owner_of(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.owner_url)
    try:
        yield connection
    finally:
        await connection.close()


async def assert_counted_once(installation: Installation, case: Case) -> None:
    """Each answered token is there once, and every count says the same number."""
    async with owner_of(installation) as owner:
        rows = await owner.fetch(
            "SELECT jti, client_id FROM ledger.issued WHERE client_id LIKE $1",
            f"c_{case.account}%",
        )
        used = await owner.fetch(
            "SELECT client_id, sum(count) FROM ledger.usage"
            " WHERE event = 'issued' AND client_id LIKE $1 GROUP BY client_id",
            f"c_{case.account}%",
        )
        of_month = await owner.fetchval(
            "SELECT sum(issued) FROM ledger.account_month WHERE account = $1", case.account
        )
    there = Counter(UUID(str(row["jti"])).bytes for row in rows)
    assert there == Counter(each.jti for each in case.tokens)
    assert dict(Counter(row["client_id"] for row in rows)) == dict(used)
    assert of_month == len(case.tokens)


@pytest.fixture
def month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


async def test_while_the_database_is_silent_tokens_are_answered_and_come_to_the_ledger_once(
    installation: Installation, case: Case
) -> None:
    real = await case.ledger()
    await case.record(real, 20)
    case.relay.hold()
    async with asyncio.timeout(_SOON):
        for _ in range(5):
            await case.record(real, 20)
    assert real.spooled == 100
    case.relay.release()
    await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    await case.record(real, 20)
    await assert_counted_once(installation, case)


async def test_a_batch_that_was_committed_without_a_word_is_not_written_again(
    installation: Installation, case: Case
) -> None:
    real = await case.ledger()
    await case.record(real, 1)
    case.relay.hold_answers()
    await case.record(real, 50)
    assert real.spooled == 50
    async with owner_of(installation) as owner:
        counted = "SELECT sum(issued) FROM ledger.account_month WHERE account = $1"
        assert await owner.fetchval(counted, case.account) == 51  # heard, done and not said
    case.relay.release()
    await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    await assert_counted_once(installation, case)


async def test_a_first_try_that_is_still_under_way_is_waited_for(
    installation: Installation, case: Case
) -> None:
    """The sender has given up and its connection is cut; the server works on, then commits."""
    real = await case.ledger()
    await case.record(real, 1)
    async with owner_of(installation) as owner:
        async with owner.transaction():
            await owner.execute("LOCK TABLE ledger.account_month IN SHARE MODE")
            await case.record(real, 10)
            assert real.spooled == 10
        await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    await assert_counted_once(installation, case)


async def test_a_spool_that_was_left_is_replayed_by_the_next_worker(
    installation: Installation, case: Case
) -> None:
    first = await case.ledger()
    case.relay.hold()
    await case.record(first, 30)
    await case.end(first)
    second = await case.ledger()
    await until(lambda: second.spooled == 30, "nobody adopts it", _SOON)
    await case.record(second, 5)
    case.relay.release()
    await until(lambda: second.spooled == 0, "the spool is not replayed", _SOON)
    await assert_counted_once(installation, case)


async def test_a_spool_that_is_full_refuses_and_loses_nothing_that_was_answered(
    installation: Installation, case: Case
) -> None:
    real = await case.ledger(limit=2_000)
    case.relay.hold()

    async def fill() -> None:
        while True:
            await case.record(real, 1)

    with pytest.raises(TemporarilyUnavailable):
        await fill()
    assert case.tokens
    case.relay.release()
    await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    await assert_counted_once(installation, case)


async def test_without_a_place_for_its_spool_it_refuses_as_if_there_was_none(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.directory.touch()
    real = await case.ledger()
    await case.record(real, 1)
    case.relay.hold()
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailable):
            await case.record(real, 1)
    assert caplog.text.count("no spool") == 1


async def test_a_token_of_a_day_that_is_not_there_is_refused_and_no_other(
    installation: Installation, case: Case
) -> None:
    """Its clock is wrong, and what it signs is not to be kept for later."""
    real = await case.ledger()
    with pytest.raises(TemporarilyUnavailable):
        await real.ledger.record(issued(account=case.account, jti=_LONG_AGO))
    assert real.spooled == 0
    await case.record(real, 1)
    await assert_counted_once(installation, case)


async def test_what_the_ledger_never_takes_is_set_aside_and_the_rest_goes_on(
    installation: Installation, case: Case
) -> None:
    real = await case.ledger()
    case.relay.hold()
    await case.record(real, 5)
    await real.ledger.record(issued(account=case.account, jti=_LONG_AGO))
    await case.record(real, 5)
    case.relay.release()
    await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    (aside,) = case.directory.glob("never-taken-*")
    assert _LONG_AGO.hex() in aside.read_text()
    await assert_counted_once(installation, case)


async def test_the_months_count_goes_on_while_tokens_wait_and_counts_none_twice(
    case: Case, month: str
) -> None:
    real = await case.ledger()

    async def counted() -> int:
        return await real.counts.of_month(case.account, month)

    assert await counted() == 0
    await case.record(real, 10)
    assert await counted() == 10
    case.relay.hold_answers()
    await case.record(real, 7)
    assert await counted() == 17
    case.relay.release()
    await until(lambda: real.spooled == 0, "the spool is not replayed", _SOON)
    assert await counted() == 17


async def test_what_other_workers_issue_comes_back_with_the_next_commit(
    case: Case, month: str
) -> None:
    one, other = await case.ledger(), await case.ledger()
    await case.record(one, 10)
    assert await other.counts.of_month(case.account, month) == 10
    await case.record(one, 5)
    await case.record(other, 2)
    assert await other.counts.of_month(case.account, month) == 17


async def test_a_refused_token_does_not_count(
    case: Case, month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "_PATIENCE", 20.0)
    real = await case.ledger()
    with pytest.raises(TemporarilyUnavailable):
        await real.ledger.record(issued(account=case.account, jti=_LONG_AGO))
    assert await real.counts.of_month(case.account, "2001-09") == 0
    assert await real.counts.of_month(case.account, month) == 0
