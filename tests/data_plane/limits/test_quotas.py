"""The shares of a month's tokens: each is recorded once."""

import logging

import pytest

from data_plane.limits.quotas import MonthlyQuotas
from tests.data_plane.limits.limited import SECOND, World


async def use(world: World, quotas: MonthlyQuotas, *issued: int, included: int = 1_000) -> None:
    for each in issued:
        world.issued["a_acme", "2026-11"] = each
        assert await quotas.issued("a_acme", "2026-11", included) == each
        await quotas.drain()


def quotas_of(world: World) -> MonthlyQuotas:
    return MonthlyQuotas(world, world, lambda: world.ticks / SECOND)


def percents(world: World) -> list[int]:
    return [percent for _, _, percent in world.recorded]


async def test_each_threshold_is_recorded_when_its_tokens_are_reached() -> None:
    world = World()
    quotas = quotas_of(world)
    await use(world, quotas, 0, 599)
    assert percents(world) == []
    await use(world, quotas, 600, 601, 799)
    assert percents(world) == [60]
    await use(world, quotas, 800, 999)
    assert percents(world) == [60, 80]
    await use(world, quotas, 1_000, 5_000)
    assert percents(world) == [60, 80, 100]


async def test_a_jump_records_all_that_it_passes() -> None:
    world = World()
    await use(world, quotas_of(world), 1_050)
    assert percents(world) == [60, 80, 100]


async def test_of_two_workers_one_tells_of_it(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    with caplog.at_level(logging.WARNING, "data_plane"):
        for _ in range(2):
            await use(world, quotas_of(world), 850)
    assert percents(world) == [60, 80]
    assert len(caplog.records) == 2
    told = [getattr(each, "fields") for each in caplog.records]  # noqa: B009 - `extra` made it
    assert told == [{"account": "a_acme", "month": "2026-11", "percent": each} for each in (60, 80)]


async def test_what_the_database_did_not_take_a_later_request_records() -> None:
    world = World()
    quotas = quotas_of(world)
    world.database_is_down = True
    await use(world, quotas, 600, 601)
    world.database_is_down = False
    await use(world, quotas, 602)
    assert percents(world) == []  # not sooner than a second after the last try
    world.pass_seconds(1)
    await use(world, quotas, 603)
    assert percents(world) == [60]


async def test_another_plan_and_another_month_have_thresholds_of_their_own() -> None:
    world = World()
    quotas = quotas_of(world)
    await use(world, quotas, 1_000)
    await use(world, quotas, 1_000, included=10_000)
    await use(world, quotas, 6_000, included=10_000)
    assert percents(world) == [60, 80, 100]  # once each a month, whatever the plan was
    world.issued["a_acme", "2026-12"] = 700
    await quotas.issued("a_acme", "2026-12", 1_000)
    await quotas.drain()
    assert world.recorded[-1] == ("a_acme", "2026-12", 60)
