"""Which token requests are let pass, and what is told of it."""

import tracemalloc

import pytest

from data_plane.protocol.errors import TooManyRequests
from shared.domain.limits import NO_LIMITS, MonthlyQuota, Rate, TenantLimits
from tests.data_plane.limits.limited import (
    NOVEMBER,
    World,
    admitted,
    new_client,
    new_issuer,
    next_version,
)

MONTH = MonthlyQuota(included=1_000, allowed=1_100)
LIMITS = TenantLimits(rate=Rate(5, 10), month=MONTH)
DAY = 86_400


async def test_where_nothing_limits_nothing_is_told() -> None:
    world = World()
    limits = world.limits()
    assert (await limits.admit(new_issuer(NO_LIMITS), new_client())).headers == ()
    assert len(limits) == 0


async def test_what_is_left_is_told_of_a_request_that_passes() -> None:
    world = World()
    world.issued["a_acme", "2026-11"] = 400
    admission = await world.limits().admit(new_issuer(LIMITS), new_client())
    assert dict(admission.headers) == {
        b"ratelimit-policy": b'"rate";q=10;w=2, "month";q=1000;w=2592000',
        b"ratelimit": b'"rate";r=9;t=1, "month";r=600;t=2592000',
    }


async def test_a_tenant_over_its_rate_is_refused_until_it_has_waited() -> None:
    world, issuer, client = World(), new_issuer(LIMITS), new_client()
    limits = world.limits()
    assert await admitted(limits, issuer, client, 10) == 10
    with pytest.raises(TooManyRequests) as refused:
        await limits.admit(issuer, client)
    assert refused.value.retry_after == 1
    assert dict(refused.value.headers)[b"ratelimit"].startswith(b'"rate";r=0;t=2, ')
    world.pass_seconds(1)
    assert await admitted(limits, issuer, client, 10) == 5
    assert world.observed == [("rate", False)] * 6


async def test_another_tenant_is_not_refused() -> None:
    limits, client = World().limits(), new_client()
    await admitted(limits, new_issuer(LIMITS), client, 20)
    assert await admitted(limits, new_issuer(LIMITS), client, 20) == 10


async def test_a_new_version_of_the_limits_forgets_nothing_that_was_used() -> None:
    world, issuer, client = World(), new_issuer(LIMITS), new_client()
    limits = world.limits()
    assert await admitted(limits, issuer, client, 8) == 8
    larger = next_version(issuer, TenantLimits(rate=Rate(50, 100), month=MONTH))
    assert await admitted(limits, larger, client, 200) == 92
    smaller = next_version(larger, LIMITS)
    assert await admitted(limits, smaller, client, 1) == 0
    assert await admitted(limits, next_version(smaller, NO_LIMITS), client, 500) == 500


async def test_a_client_has_a_limit_of_its_own_and_takes_nothing_from_the_tenant_over_it() -> None:
    world, issuer = World(), new_issuer(TenantLimits(rate=Rate(5, 10)))
    limits, small, other = world.limits(), new_client(Rate(1, 3)), new_client()
    admission = await limits.admit(issuer, small)
    assert dict(admission.headers)[b"ratelimit"] == b'"rate";r=9;t=1, "client";r=2;t=1'
    assert (await admitted(limits, issuer, small, 100)) == 2
    assert (await admitted(limits, issuer, other, 100)) == 7


async def test_what_the_tenant_is_refused_is_not_taken_from_the_client() -> None:
    world, issuer = World(), new_issuer(TenantLimits(rate=Rate(1, 1)))
    limits, client = world.limits(), new_client(Rate(1, 3))
    assert await admitted(limits, issuer, client, 10) == 1
    assert await admitted(limits, next_version(issuer, NO_LIMITS), client, 10) == 2


async def test_a_client_may_be_the_only_one_with_a_limit() -> None:
    world, issuer = World(), new_issuer(NO_LIMITS)
    limits, client = world.limits(), new_client(Rate(1, 2))
    admission = await limits.admit(issuer, client)
    assert dict(admission.headers) == {
        b"ratelimit-policy": b'"client";q=2;w=2',
        b"ratelimit": b'"client";r=1;t=1',
    }
    assert await admitted(limits, issuer, client, 5) == 1
    assert world.observed[0] == ("client", False)


async def test_the_months_tokens_end_with_the_grace_and_come_back_with_the_month() -> None:
    world, issuer, client = World(), new_issuer(TenantLimits(month=MONTH)), new_client()
    limits = world.limits()
    world.pass_seconds(10 * DAY)
    world.issued["a_acme", "2026-11"] = 1_099
    admission = await limits.admit(issuer, client)
    assert dict(admission.headers)[b"ratelimit"] == b'"month";r=0;t=1728000'  # grace is not told
    world.issued["a_acme", "2026-11"] = 1_100
    with pytest.raises(TooManyRequests) as refused:
        await limits.admit(issuer, client)
    assert refused.value.description == "the plan's tokens of this month are used up"
    assert refused.value.retry_after == 20 * DAY
    assert dict(refused.value.headers)[b"ratelimit"] == b'"month";r=0;t=1728000'
    world.pass_seconds(20 * DAY)
    admission = await limits.admit(issuer, client)
    assert dict(admission.headers) == {
        b"ratelimit-policy": b'"month";q=1000;w=2678400',  # December has a day more
        b"ratelimit": b'"month";r=1000;t=2678400',
    }


async def test_all_tenants_of_an_account_share_its_month() -> None:
    world, client = World(), new_client()
    world.issued["a_acme", "2026-11"] = 1_100
    limits = world.limits()
    assert await admitted(limits, new_issuer(LIMITS), client, 1) == 0
    assert await admitted(limits, new_issuer(LIMITS), client, 1) == 0
    assert await admitted(limits, new_issuer(LIMITS, "a_other"), client, 1) == 1


async def test_where_limits_are_observed_all_pass_and_are_counted() -> None:
    world, client = World(), new_client()
    issuer = new_issuer(TenantLimits(rate=Rate(1, 2), month=MONTH, observed=True))
    limits = world.limits()
    assert await admitted(limits, issuer, client, 5) == 5
    assert world.observed == [("rate", True)] * 3
    world.issued["a_acme", "2026-11"] = 5_000
    assert await admitted(limits, issuer, client, 1) == 1
    assert world.observed[-1] == ("month", True)
    counted = (issuer.tenant_id, client.client_id, "https://api.example", "observed_limited")
    assert world.events == [counted] * 4


async def test_memory_is_bounded_however_many_there_are() -> None:
    """Row F8. Only tenants and clients that exist come here; more than 20,000 push others out."""
    world, issuer = World(), new_issuer(LIMITS)
    limits = world.limits()
    tracemalloc.start()
    for _ in range(11_000):
        await limits.admit(new_issuer(LIMITS, "a_other"), new_client())
        await admitted(limits, issuer, new_client(Rate(1, 1)), 1)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(limits) <= 20_000
    assert held < 32_000_000


def test_november_is_november() -> None:
    assert NOVEMBER % DAY == 0
