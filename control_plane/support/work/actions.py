"""The background work as support sees it, and trying again what has failed (C8)."""

from datetime import datetime

import msgspec

from control_plane.http.paging import SIZE, Listed
from control_plane.support.shown import Act
from control_plane.support.work import repository
from control_plane.support.work.rules import (
    Job,
    LetterCount,
    PeriodicRun,
    QueueDepth,
    Sought,
    WorkRefused,
)
from shared.runtime.database import Database

_LETTERS = 50  # rows of kinds and domains


class Work(msgspec.Struct, frozen=True, kw_only=True):
    queues: list[QueueDepth]
    jobs: Listed[Job]
    letters: list[LetterCount]
    runs: list[PeriodicRun]
    now: datetime

    @property
    def overdue(self) -> list[PeriodicRun]:
        return [each for each in self.runs if each.is_overdue(self.now)]


async def show_work(database: Database, sought: Sought, number: int, now: datetime) -> Work:
    async with database.control() as connection:
        rows, total = await repository.page_of_jobs(
            connection, sought, offset=(number - 1) * SIZE, limit=SIZE
        )
        return Work(
            queues=await repository.queue_depths(connection),
            jobs=Listed(rows=rows, total=total, number=number),
            letters=await repository.letter_counts(connection, _LETTERS),
            runs=await repository.list_runs(connection),
            now=now,
        )


async def retry_job(database: Database, act: Act, job_id: int) -> None:
    """Try one again now. Raises WorkRefused where it is gone, or runs."""
    async with database.control() as connection:
        job = await repository.find_job(connection, job_id)
        if job is None or not await repository.retry(connection, job.queue, job_id):
            raise WorkRefused("there is no such job that waits or was given up: it may be done")
        facts = {"queue": job.queue, "task": job.task, "attempts": job.attempts}
        await act.note(connection, "job.retry", f"job {job_id}", before=facts)


async def retry_queue(database: Database, act: Act, queue: str) -> int:
    """Try all of a queue again now; give how many. Raises WorkRefused where there is none."""
    async with database.control() as connection:
        retried = await repository.retry(connection, queue, None)
        if not retried:
            raise WorkRefused("no job of this queue waits for another try, or was given up")
        await act.note(connection, "jobs.retry", f"queue {queue}", after={"jobs": retried})
    return retried
