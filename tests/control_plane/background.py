"""The background work beside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from control_plane.jobs.queue import Work, work_queue
from control_plane.mail.smtp import Smtp
from shared.runtime.database import Database
from tests.support import Installation

NO_MAIL = Smtp("smtp://127.0.0.1:1", "x@example.com")  # nobody listens there


@asynccontextmanager
async def jobs_done(installation: Installation, work: Work, queue: str) -> AsyncIterator[None]:
    """Do the jobs of a queue, as `serve jobs` does, until the block is left."""
    task = asyncio.create_task(work_queue(installation.control_url, work, queue))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def forget_jobs(database: Database) -> None:
    """Drop the jobs that other tests have left: done here, they would change what is looked at."""
    async with database.control() as connection:
        await connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))


async def lost_when_cancelled(begun: asyncio.Event) -> None:
    """Be a driver's call that makes an error of its cancellation."""
    begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise OSError("the connection was lost") from None
