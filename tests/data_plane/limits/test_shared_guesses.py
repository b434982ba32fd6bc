"""Guesses at secrets that all workers count together, in a real Valkey."""

from secrets import token_bytes, token_hex

import pytest

from data_plane.limits.wrong_secrets import Guesser, WrongSecrets
from data_plane.protocol.errors import TooManyRequests
from data_plane.store.guesses import RedisGuesses
from shared.domain.ids import ClientId, tenant_id
from tests.data_plane.limits.test_leases import worker
from tests.valkey import RunningValkey

NOW = 1_000_000


def new_guesser() -> Guesser:
    return tenant_id(token_bytes(8)), ClientId(f"c_{token_hex(4)}"), "192.0.2.1"


@pytest.mark.parametrize("known", [True, False])
async def test_the_tenth_guess_locks_out_at_every_worker(
    valkey: RunningValkey, *, known: bool
) -> None:
    guesser = new_guesser()
    async with worker(valkey.url) as one, worker(valkey.url) as other:
        workers = [WrongSecrets(RedisGuesses(each)) for each in (one, other)]
        for number in range(10):
            for each in workers:
                await each.check(guesser, known=known, now=NOW)
            await workers[number % 2].count(guesser, bytes([number]), known=known, now=NOW)
        for each in workers:
            with pytest.raises(TooManyRequests) as refused:
                await each.check(guesser, known=known, now=NOW)
            assert 1 <= refused.value.retry_after <= 60
        await workers[0].check(new_guesser(), known=known, now=NOW)


async def test_the_same_guess_at_several_workers_counts_once(valkey: RunningValkey) -> None:
    guesser = new_guesser()
    async with worker(valkey.url) as one, worker(valkey.url) as other:
        for each in (WrongSecrets(RedisGuesses(one)), WrongSecrets(RedisGuesses(other))) * 10:
            await each.count(guesser, b"the same", known=True, now=NOW)
            await each.check(guesser, known=True, now=NOW)


async def test_what_is_counted_is_kept_for_a_minute_and_names_no_client(
    valkey: RunningValkey,
) -> None:
    guesser = new_guesser()
    async with worker(valkey.url) as redis:
        await WrongSecrets(RedisGuesses(redis)).count(guesser, b"guess", known=True, now=NOW)
    (key,) = valkey.client.keys(f"*{guesser[0]}*")
    assert 50 <= valkey.client.ttl(key) <= 60
    assert guesser[1].encode() not in key


async def test_while_redis_is_gone_each_worker_counts_for_itself(
    fragile_valkey: RunningValkey,
) -> None:
    guesser = new_guesser()
    async with worker(fragile_valkey.url) as redis:
        wrong = WrongSecrets(RedisGuesses(redis))
        await wrong.count(guesser, b"0", known=True, now=NOW)
        fragile_valkey.kill()
        for number in range(1, 10):
            await wrong.check(guesser, known=True, now=NOW)
            await wrong.count(guesser, bytes([number]), known=True, now=NOW)
        with pytest.raises(TooManyRequests):
            await wrong.check(guesser, known=True, now=NOW)
