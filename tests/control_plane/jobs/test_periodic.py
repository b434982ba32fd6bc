"""What is done every so often is noted, well or not, and goes on after a failure."""

import asyncio
from contextlib import suppress
from datetime import datetime
from secrets import token_hex

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from control_plane.jobs.periodic import Periodic, keep_running, run
from shared.domain.refused import Refused
from shared.runtime.database import Database
from shared.runtime.tables.jobs import periodic_run
from tests.control_plane.background import lost_when_cancelled


async def noted(database: Database, name: str) -> tuple[bool, str, str | None]:
    """Give whether it ever went well, what came of that, and why the last time failed."""
    async with database.control() as connection:
        query = select(periodic_run).where(periodic_run.c.name == name)
        row = (await connection.execute(query)).one()
    return row.well_at is not None, row.outcome, row.error


async def test_it_goes_on_after_a_failure_and_says_what_each_came_to(
    jobs_database: Database,
) -> None:
    name, came, twice = token_hex(6), iter(["", "3 keys"]), asyncio.Event()

    async def work(_: datetime) -> str:
        outcome = next(came, None)
        if outcome is None:
            twice.set()
            raise Refused("Stripe is away")
        return outcome

    periodic = Periodic(name=name, every=0.001, work=work)
    task = asyncio.create_task(keep_running(jobs_database, periodic))
    await asyncio.wait_for(twice.wait(), 60)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    with pytest.raises(Refused):
        await run(jobs_database, periodic)
    assert await noted(jobs_database, name) == (True, "3 keys", "Stripe is away")


async def test_what_the_database_refuses_is_told_without_what_it_was_about(
    jobs_database: Database,
) -> None:
    async def work(_: datetime) -> str:
        cause = Exception("duplicate key\nDETAIL:  Key (email)=(c4n4ry@example.com) exists.")
        raise IntegrityError("INSERT", {"digest": "c4n4ry"}, cause)

    name = token_hex(6)
    with pytest.raises(IntegrityError):
        await run(jobs_database, Periodic(name=name, every=60, work=work))
    assert await noted(jobs_database, name) == (False, "", "duplicate key")


async def test_one_that_is_ended_ends_though_a_driver_made_an_error_of_it(
    jobs_database: Database,
) -> None:
    begun = asyncio.Event()

    async def work(_: datetime) -> str:
        await lost_when_cancelled(begun)
        return ""

    task = asyncio.create_task(
        keep_running(jobs_database, Periodic(name=token_hex(6), every=3600, work=work))
    )
    await begun.wait()
    task.cancel()
    await asyncio.wait([task], timeout=20)
    assert task.cancelled()
