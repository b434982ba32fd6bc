"""Usage and refusals: counted in memory, written in one go, once, and bounded."""

import time
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import asyncpg
import pytest

from data_plane.ports import RefusedRequest
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from data_plane.store.refusals import NotedRefusals
from data_plane.store.usage import StoredUsage
from shared.domain.ids import ClientId, TenantId
from tests.faults.relay import Relay, relayed
from tests.isolation.patient_pool import opened_pool
from tests.support import Installation

API = "https://api.example"
CLIENT = ClientId("c_1")


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"usage{token_hex(4)}")


@pytest.fixture
async def owner(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(installation: Installation) -> AsyncIterator[Pool]:
    async with opened_pool(installation.data_url) as opened:
        yield opened


async def counts(owner: Any, tenant: TenantId) -> dict[str, int]:
    rows = await owner.fetch(
        "SELECT event, sum(count) FROM ledger.usage WHERE tenant = $1 GROUP BY event", tenant
    )
    return dict(rows)


def refusal(tenant: TenantId, number: int = 0, reason: str = "because") -> RefusedRequest:
    return RefusedRequest(
        tenant=tenant,
        client_id="c_presented",
        endpoint="token",
        error="invalid_client",
        reason=reason,
        address="192.0.2.1",
        request_id=f"r_{number}",
        at_ms=time.time_ns() // 1_000_000,
    )


async def test_what_two_workers_count_is_summed_when_it_is_read(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    for worker in (StoredUsage(pool, NotedRefusals()), StoredUsage(pool, NotedRefusals())):
        for event in ("introspected", "introspected", "limited"):
            worker.count(tenant, CLIENT, API, event)
        await worker.flush()
        worker.count(tenant, CLIENT, API, "limited")
        await worker.flush()
        await worker.flush()
    assert await counts(owner, tenant) == {"introspected": 4, "limited": 4}


async def test_how_long_tokens_took_is_counted_by_steps(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    usage = StoredUsage(pool, NotedRefusals())
    for seconds in (0.0004, 0.001, 0.0031, 0.9, 1.5, 90.0):
        usage.took(tenant, seconds)
    await usage.flush()
    usage.took(tenant, 0.0002)
    await usage.flush()
    await usage.flush()
    expected = {"latency:1": 3, "latency:5": 1, "latency:1000": 1, "latency:10000": 2}
    assert await counts(owner, tenant) == expected


async def test_latencies_of_many_tenants_are_bounded(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    usage = StoredUsage(pool, NotedRefusals())
    for number in range(5_000):
        usage.took(TenantId(f"{tenant}{number}"), 0.001)
    usage.took(tenant, 0.001)  # one too many, until the next flush
    usage.took(TenantId(f"{tenant}0"), 0.001)
    await usage.flush()
    assert await counts(owner, tenant) == {}
    assert await counts(owner, TenantId(f"{tenant}0")) == {"latency:1": 2}


async def test_refusals_are_written_with_their_reason(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    refusals = NotedRefusals()
    refusals.note(refusal(tenant))
    await StoredUsage(pool, refusals).flush()
    row = await owner.fetchrow("SELECT * FROM ledger.refused WHERE tenant = $1", tenant)
    assert (row["client_id"], row["error"], row["reason"], row["address"]) == (
        "c_presented",
        "invalid_client",
        "because",
        "192.0.2.1",
    )


async def test_an_attack_fills_neither_memory_nor_disk(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    refusals = NotedRefusals()
    usage = StoredUsage(pool, refusals)
    other = TenantId(f"other{token_hex(4)}")
    for number in range(1_000):
        refusals.note(refusal(tenant, number))
        usage.count(tenant, CLIENT, "", "refused:invalid_client")
    refusals.note(refusal(other))
    await usage.flush()
    kept = "SELECT count(*) FROM ledger.refused WHERE tenant = $1"
    assert 60 <= await owner.fetchval(kept, tenant) <= 120  # of a minute, or of two
    assert await owner.fetchval(kept, other) == 1
    assert await counts(owner, tenant) == {"refused:invalid_client": 1_000}


async def test_all_tenants_together_are_bounded_too() -> None:
    refusals = NotedRefusals()
    for number in range(20_000):
        refusals.note(refusal(TenantId(f"t{number}")))
    assert len(refusals.take()) == 5_000
    assert refusals.take() == []


@pytest.fixture
async def cut(installation: Installation) -> AsyncIterator[tuple[Pool, Relay]]:
    async with relayed(installation.data_url) as (url, relay):
        pool = Pool(url)
        yield pool, relay
        relay.release()
        await pool.close()


async def test_what_was_written_without_a_word_is_not_counted_twice(
    cut: tuple[Pool, Relay], owner: Any, tenant: TenantId
) -> None:
    pool, relay = cut
    refusals = NotedRefusals()
    usage = StoredUsage(pool, refusals)
    usage.count(tenant, CLIENT, API, "limited")
    await usage.flush()
    usage.count(tenant, CLIENT, API, "limited")
    refusals.note(refusal(tenant))
    relay.hold_answers()
    with pytest.raises(TemporarilyUnavailable):
        await usage.flush()
    relay.release()
    usage.count(tenant, CLIENT, API, "limited")
    await flushed(usage)
    assert await counts(owner, tenant) == {"limited": 3}
    kept = "SELECT count(*) FROM ledger.refused WHERE tenant = $1"
    assert await owner.fetchval(kept, tenant) == 1


async def flushed(usage: StoredUsage) -> None:
    for _ in range(50):
        try:
            return await usage.flush()
        except TemporarilyUnavailable:
            continue
    pytest.fail("it is not written")


async def test_what_the_ledger_never_takes_holds_up_nothing_that_follows(
    pool: Pool, owner: Any, tenant: TenantId
) -> None:
    refusals = NotedRefusals()
    usage = StoredUsage(pool, refusals)
    refusals.note(refusal(tenant, reason="with a NUL \0 in it"))
    await usage.flush()
    usage.count(tenant, CLIENT, API, "limited")
    await usage.flush()
    assert await counts(owner, tenant) == {"limited": 1}
