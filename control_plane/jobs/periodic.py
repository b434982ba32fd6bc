"""What is done every so often: done again until cancelled, and each time noted for support to see.

What was missed while nobody ran, or while the database or Stripe was away, is done late.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from control_plane.jobs.repository import note_failed_run, note_run
from shared.domain.refused import Refused
from shared.runtime.database import DATABASE_TROUBLE, Database, cause_of
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_RETRY = 30.0  # seconds after a failure, where the next time is later
_TROUBLE = (Refused, *DATABASE_TROUBLE)


class Periodic(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    every: float  # seconds
    work: Callable[[datetime], Awaitable[str]]  # say what came of it; '' where nothing did
    retry: float = _RETRY


async def keep_running(database: Database, periodic: Periodic) -> None:
    """Run until cancelled."""
    while True:
        try:
            await run(database, periodic)
            await asyncio.sleep(periodic.every)
        except _TROUBLE as error:
            end_if_cancelled()
            told = fields(work=periodic.name, cause=cause_of(error))
            _log.warning("periodic work waits", extra=told)
            await asyncio.sleep(min(periodic.retry, periodic.every))


def end_if_cancelled() -> None:
    """Be cancelled after all, where a driver made of that an error that is waited out here."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def run(database: Database, periodic: Periodic) -> None:
    """Do it once, and note what came of it. Raises Refused, or what an unwilling database does."""
    began, every = datetime.now(UTC), int(periodic.every)
    try:
        outcome = await periodic.work(began)
        async with database.control() as connection:
            await note_run(connection, periodic.name, every, began, outcome)
    except _TROUBLE as error:
        with suppress(*DATABASE_TROUBLE):
            async with database.control() as connection:
                await note_failed_run(connection, periodic.name, every, began, cause_of(error))
        raise
    if outcome:
        _log.info("periodic work is done", extra=fields(work=periodic.name, outcome=outcome))
