"""Attempts are counted by network and by person, at all workers together, in bounded memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest

from control_plane.http import attempts as module
from control_plane.http.attempts import Attempts, SharedCounts, TooManyAttempts
from control_plane.http.counts_in_database import DatabaseCounts
from control_plane.http.counts_in_redis import RedisCounts
from shared.runtime.database import Database
from shared.runtime.redis_client import RedisClient
from shared.runtime.tables.people import attempt
from tests.control_plane.console import forget_attempts
from tests.valkey import RunningValkey, run_valkey

_MOST = 10


class Nobody:
    """Counts nothing: what a worker has by itself is what holds."""

    async def count(self, _: bytes, now: datetime, __: timedelta) -> tuple[int, datetime]:
        return 0, now


@pytest.fixture(params=["postgresql", "redis"])
async def shared(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[SharedCounts]:
    async with AsyncExitStack() as stack:
        if request.param == "postgresql":
            await forget_attempts(database)
            yield DatabaseCounts(database)
        else:
            valkey: RunningValkey = request.getfixturevalue("valkey")
            valkey.client.flushall()
            redis = RedisClient(valkey.url)
            stack.push_async_callback(redis.close)
            yield RedisCounts(redis)


@pytest.fixture
def person() -> str:
    return f"ada-{token_hex(8)}"


def now() -> datetime:
    return datetime.now(UTC)


async def test_the_eleventh_at_one_person_is_refused_from_wherever_at_every_worker(
    shared: SharedCounts, person: str
) -> None:
    workers = [Attempts(shared), Attempts(shared)]
    for number in range(_MOST):
        await workers[number % 2].count(now(), f"192.0.2.{number}", person)
    for worker in workers:
        with pytest.raises(TooManyAttempts) as refusal:
            await worker.count(now(), "192.0.2.99", person)
        assert 30 < refusal.value.seconds <= 61
    await workers[0].count(now(), "192.0.2.99", "bob")


async def test_a_minute_later_everybody_may_try_again(database: Database, person: str) -> None:
    began, attempts = now(), Attempts(DatabaseCounts(database))
    for number in range(_MOST):
        await attempts.count(began, f"198.51.100.{number}", person)
    with pytest.raises(TooManyAttempts) as refusal:
        await attempts.count(began + timedelta(seconds=30), "203.0.113.1", person)
    assert refusal.value.seconds == 31
    await attempts.count(began + timedelta(seconds=60), "203.0.113.2", person)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::{}"])
async def test_the_eleventh_from_one_network_is_refused_and_not_counted_at_the_person(
    shared: SharedCounts, person: str, address: str
) -> None:
    workers = [Attempts(shared), Attempts(shared)]
    for number in range(_MOST):
        await workers[number % 2].count(now(), address.format(number), f"{person} {number}")
    for number in range(2 * _MOST):
        with pytest.raises(TooManyAttempts):
            await workers[number % 2].count(now(), address.format(99), person)
    await workers[0].count(now(), "198.51.100.1", person)


async def test_letters_and_codes_are_counted_apart(shared: SharedCounts, person: str) -> None:
    attempts = Attempts(shared)
    for _ in range(_MOST):
        await attempts.count_letter(now(), person)
        await attempts.count_code(now(), person)
    with pytest.raises(TooManyAttempts):
        await attempts.count_letter(now(), person)
    with pytest.raises(TooManyAttempts) as refusal:
        await attempts.count_code(now(), person)
    assert refusal.value.seconds > 3000, "six digits are soon guessed: an hour"
    await attempts.count(now(), "192.0.2.1", person)


async def test_a_worker_counts_by_itself_while_redis_does_not_answer() -> None:
    with run_valkey() as valkey:
        redis = RedisClient(valkey.url)
        valkey.kill()
        attempts = Attempts(RedisCounts(redis))
        for _ in range(_MOST):
            await attempts.count_network(now(), "192.0.2.1")
        with pytest.raises(TooManyAttempts):
            await attempts.count_network(now(), "192.0.2.1")
        await redis.close()
        valkey.start()


async def test_what_a_worker_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAXIMUM_KEPT", 50)
    attempts = Attempts(Nobody())
    for number in range(200):
        await attempts.count(now(), f"10.0.{number}.1", f"person {number}")
    assert len(attempts) == 100


async def test_the_table_has_no_more_rows_than_windows_that_last(database: Database) -> None:
    await forget_attempts(database)
    attempts, began = Attempts(DatabaseCounts(database)), now()
    for number in range(30):
        await attempts.count_network(began, f"10.1.{number}.1")
    for number in range(30):
        await attempts.count_network(began + timedelta(seconds=61), f"10.2.{number}.1")
    async with database.control() as connection:
        rows = (await connection.execute(attempt.select())).all()
    assert [row for row in rows if row.ends_at <= began + timedelta(seconds=61)] == []
    assert len(rows) == 30


async def test_redis_forgets_by_itself(valkey: RunningValkey) -> None:
    valkey.client.flushall()
    redis = RedisClient(valkey.url)
    await Attempts(RedisCounts(redis)).count_network(now(), "192.0.2.1")
    await redis.close()
    assert [0 < valkey.client.pttl(key) <= 60_000 for key in valkey.client.scan_iter()] == [True]
