"""Limits that workers share through a real Valkey."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from secrets import token_bytes, token_hex

import pytest

from data_plane.limits.rates import LeasedMeter
from data_plane.ports import Lease
from data_plane.protocol.errors import TemporarilyUnavailable, TooManyRequests
from data_plane.store.leases import RedisLeases
from data_plane.store.shared_redis import SharedRedis
from shared.domain.ids import TenantId, tenant_id
from shared.domain.limits import Rate, TenantLimits
from tests.data_plane.limits.limited import World, admitted, new_client, new_issuer
from tests.valkey import RunningValkey, run_valkey

_PATIENCE = (
    20.0  # seconds: what is counted exactly may not fall back because a test machine is slow
)


@asynccontextmanager
async def worker(url: str, patience: float = _PATIENCE) -> AsyncIterator[SharedRedis]:
    """Redis as one worker has it."""
    redis = SharedRedis(url, lambda _: None, patience=patience)
    watching = asyncio.create_task(redis.watch())
    try:
        yield redis
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await redis.close()


def new_tenant() -> TenantId:
    return tenant_id(token_bytes(8))


async def take_all(meter: LeasedMeter, at_once: int) -> int:
    """Ask from many requests at once until all are refused; count those that were not."""

    async def request() -> int:
        taken = 0
        while meter.take(time.monotonic_ns()) or await meter.ask():
            taken += 1
        return taken

    return sum(await asyncio.gather(*(request() for _ in range(at_once))))


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(
    "rate", [Rate(1, 500), Rate(200, 2_000)], ids=["leases of one", "leases of ten"]
)
async def test_all_workers_together_take_what_the_bucket_has_and_not_one_more(
    valkey: RunningValkey, rate: Rate, workers: int
) -> None:
    tenant = new_tenant()
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        meters = [
            LeasedMeter(
                RedisLeases(await stack.enter_async_context(worker(valkey.url))),
                (tenant, ""),
                rate,
            )
            for _ in range(workers)
        ]
        taken = sum(await asyncio.gather(*(take_all(meter, 20) for meter in meters)))
    added = rate.per_second * (time.monotonic() - started)
    assert rate.burst <= taken <= rate.burst + added


async def test_every_token_comes_out_of_the_one_bucket(valkey: RunningValkey) -> None:
    """Straight from Redis: two machines' leases add up to the burst."""
    tenant, rate = new_tenant(), Rate(1, 1_000)
    started = time.monotonic()
    async with worker(valkey.url) as one, worker(valkey.url) as other:
        granted = 0
        for each in (RedisLeases(one), RedisLeases(other)) * 40:
            lease = await each.take(tenant, "", rate, 20)
            granted += lease.granted
        elapsed = time.monotonic() - started
        assert 1_000 <= granted <= 1_000 + elapsed
        assert lease.left == 0
        assert 0 <= lease.wait <= 1_000_000_000


async def test_a_busy_tenant_costs_redis_no_question_a_token(valkey: RunningValkey) -> None:
    async with worker(valkey.url) as redis:
        leases = CountingLeases(redis)
        meter = LeasedMeter(leases, (new_tenant(), ""), Rate(1_000, 2_000))
        assert await take_all(meter, 10) >= 2_000
        assert leases.questions <= 2_000 // 50 * 2 + 10


class CountingLeases(RedisLeases):
    questions = 0

    async def take(self, tenant: TenantId, client_id: str, rate: Rate, most: int) -> Lease:
        self.questions += 1
        return await super().take(tenant, client_id, rate, most)


async def test_who_waits_for_the_same_lease_is_served_by_one_question_more(
    valkey: RunningValkey,
) -> None:
    async with worker(valkey.url) as redis:
        leases = CountingLeases(redis)
        meter = LeasedMeter(leases, (new_tenant(), ""), Rate(40, 500))
        assert all(await asyncio.gather(*(meter.ask() for _ in range(400))))
        assert leases.questions <= 5


async def test_a_refused_request_asks_nobody(valkey: RunningValkey) -> None:
    async with worker(valkey.url) as redis:
        leases = CountingLeases(redis)
        meter = LeasedMeter(leases, (new_tenant(), ""), Rate(1, 1))
        assert await meter.ask()
        assert not await meter.ask()
        asked = leases.questions
        assert not any([await meter.ask() for _ in range(100)])
        assert leases.questions == asked
        assert meter.wait(time.monotonic_ns()) > 0


@pytest.mark.parametrize("limited", ["rate", "client"])
async def test_what_redis_has_just_refused_is_refused_at_once_and_in_the_same_words(
    valkey: RunningValkey, limited: str
) -> None:
    """The lane need not wait for what is known; what is not known yet, it leaves to who waits."""
    world, rate = World(), Rate(1, 3)
    issuer = new_issuer(TenantLimits(rate=rate if limited == "rate" else None))
    client = new_client(rate if limited == "client" else None)
    async with worker(valkey.url) as redis:
        leases = CountingLeases(redis)
        limits = world.limits(leases)
        assert limits.admit_at_once(issuer, client) is None  # Redis has not been asked
        assert await admitted(limits, issuer, client, 9) < 9
        refused, asked = len(world.observed), leases.questions
        with pytest.raises(TooManyRequests) as waited:
            await limits.admit(issuer, client)
        with pytest.raises(TooManyRequests) as at_once:
            limits.admit_at_once(issuer, client)
        assert vars(at_once.value) == vars(waited.value)
        assert world.observed == [(limited, False)] * (refused + 2)
        assert leases.questions == asked
        world.pass_seconds(2)
        assert limits.admit_at_once(issuer, client) is None  # by now there may be one


async def test_an_unused_lease_is_worth_nothing_after_a_second(valkey: RunningValkey) -> None:
    now = time.monotonic_ns()
    async with worker(valkey.url) as redis:
        meter = LeasedMeter(
            RedisLeases(redis), (new_tenant(), ""), Rate(200, 400), ticks=lambda: now
        )
        assert await meter.ask()
        assert meter.take(now)
        assert not meter.take(now + 1_000_000_001)


async def test_a_bucket_that_is_full_again_is_forgotten(valkey: RunningValkey) -> None:
    tenant = new_tenant()
    async with worker(valkey.url) as redis:
        await RedisLeases(redis).take(tenant, "", Rate(10, 20), 20)
    (key,) = valkey.client.keys(f"*{tenant}*")
    assert 2_000 <= valkey.client.pttl(key) <= 3_000


async def test_f5_no_two_limits_share_a_key(valkey: RunningValkey) -> None:
    rate = Rate(1, 5)
    names = [("a:b", "c"), ("a", "b:c"), ("a", ""), ("", "a"), ("a:0:", "")]
    async with worker(valkey.url) as redis:
        leases = RedisLeases(redis)
        salt = token_hex(4)
        granted = [
            (await leases.take(TenantId(salt + tenant), client, rate, 5)).granted
            for tenant, client in names
        ]
    assert granted == [5] * len(names)


async def test_f5_a_limit_that_is_of_another_tenant_is_not_used(valkey: RunningValkey) -> None:
    tenant = new_tenant()
    async with worker(valkey.url) as redis:
        leases = RedisLeases(redis)
        await leases.take(tenant, "", Rate(1, 5), 1)
        (key,) = valkey.client.keys(f"*{tenant}*")
        valkey.client.hset(key, "tenant", new_tenant())
        with pytest.raises(TemporarilyUnavailable):
            await leases.take(tenant, "", Rate(1, 5), 1)
        assert not leases.usable


async def test_f5_an_answer_to_anothers_question_is_not_used(valkey: RunningValkey) -> None:
    async with worker(valkey.url) as redis:
        mixed_up = redis.script("return {'another', 1, 1, 0}")
        with pytest.raises(TemporarilyUnavailable):
            await redis.run(mixed_up, "mine")
        assert not redis.usable


def fill(valkey: RunningValkey) -> None:
    """Leave it no memory, so that it refuses writes."""
    valkey.client.config_set("maxmemory", "1")


def ask_for_a_password(valkey: RunningValkey) -> None:
    valkey.client.config_set("requirepass", "another")


BREAKS: dict[str, Callable[[RunningValkey], object]] = {
    "killed": lambda valkey: valkey.kill(),
    "stopped": lambda valkey: valkey.signal(signal.SIGSTOP),
    "out of memory": fill,
    "another password": ask_for_a_password,
}


@pytest.mark.parametrize("how", BREAKS)
async def test_while_redis_is_broken_each_worker_keeps_its_own_limit(
    fragile_valkey: RunningValkey, how: str
) -> None:
    """Nothing is raised but the refusal, whatever breaks, and no more than the limit passes.

    A worker goes on from what the shared bucket had left, when it last answered.
    """
    world = World()
    issuer, client = new_issuer(TenantLimits(rate=Rate(1, 50))), new_client()
    async with worker(fragile_valkey.url, patience=0.5) as redis:
        limits = world.limits(RedisLeases(redis))
        assert await admitted(limits, issuer, client, 10) == 10
        BREAKS[how](fragile_valkey)
        if how == "another password":  # only new connections are asked for it
            await redis.close()
        assert await admitted(limits, issuer, client, 100) == 40
        assert not redis.usable


async def test_a_flushed_redis_begins_with_full_buckets(fragile_valkey: RunningValkey) -> None:
    world = World()
    issuer, client = new_issuer(TenantLimits(rate=Rate(1, 20))), new_client()
    async with worker(fragile_valkey.url) as redis:
        limits = world.limits(RedisLeases(redis))
        assert await admitted(limits, issuer, client, 30) == 20
        fragile_valkey.client.flushall()
        fragile_valkey.client.script_flush()
        world.pass_seconds(1)  # the answer "none" has been heeded
        assert await admitted(limits, issuer, client, 30) == 20
        assert redis.usable


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_when_redis_is_back_the_limits_are_shared_again(
    fragile_valkey: RunningValkey, how: str
) -> None:
    heard: list[bool] = []
    redis = SharedRedis(fragile_valkey.url, heard.append, patience=0.5)
    watching = asyncio.create_task(redis.watch())
    leases, tenant = RedisLeases(redis), new_tenant()
    await leases.take(tenant, "", Rate(1, 5), 1)
    BREAKS[how](fragile_valkey)
    with pytest.raises(TemporarilyUnavailable):
        await leases.take(tenant, "", Rate(1, 5), 1)
    if how == "killed":
        fragile_valkey.start()
    else:
        fragile_valkey.signal(signal.SIGCONT)
    end = time.monotonic() + 30
    while not redis.usable:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    assert (await leases.take(tenant, "", Rate(1, 5), 1)).granted == 1
    assert heard == [False, True]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await redis.close()


async def test_a_redis_that_was_never_there_is_waited_for_once() -> None:
    world = World()
    issuer, client = new_issuer(TenantLimits(rate=Rate(1, 7))), new_client()
    async with worker("unix:///nowhere/v.sock") as redis:
        assert await admitted(world.limits(RedisLeases(redis)), issuer, client, 10) == 7


async def test_a_wrong_password_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with run_valkey("--requirepass", "the-right-one") as locked:
        url = locked.url.replace("unix://", "unix://:canary-secret@")
        async with worker(url) as redis:
            with pytest.raises(TemporarilyUnavailable):
                await RedisLeases(redis).take(new_tenant(), "", Rate(1, 1), 1)
    assert caplog.records
    assert "canary-secret" not in caplog.text + str([vars(each) for each in caplog.records])
