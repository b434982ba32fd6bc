"""Rows of queued jobs, and of what they came to. Works in the transaction given, as the login.

The tables of jobs are procrastinate's; its triggers note each change of a job's state.
"""

from datetime import datetime

import msgspec
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.tables.jobs import job_error, letter, periodic_run

_STALLED = 30  # seconds without a sign of life of a worker, which gives one every 10

_STATES = text("""
SELECT job.queue_name AS queue,
  count(*) FILTER (WHERE job.status = 'todo') AS queued,
  count(*) FILTER (WHERE job.status = 'todo' AND job.attempts > 0) AS retrying,
  count(*) FILTER (WHERE job.status = 'doing') AS running,
  count(*) FILTER (WHERE job.status IN ('failed', 'aborted')) AS failed,
  CAST(extract(epoch FROM now() - min(deferred.at) FILTER (WHERE job.status = 'todo')) AS int)
    AS oldest
FROM jobs.procrastinate_jobs AS job
JOIN jobs.procrastinate_events AS deferred
  ON deferred.job_id = job.id AND deferred.type = 'deferred'
GROUP BY job.queue_name ORDER BY job.queue_name
""")

_RETRY = text("""
UPDATE jobs.procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL
WHERE (status IN ('failed', 'aborted') OR (status = 'todo' AND scheduled_at > now()))
  AND (CAST(:queue AS text) IS NULL OR queue_name = :queue)
RETURNING id
""")

_REQUEUE_STALLED = text("""
UPDATE jobs.procrastinate_jobs AS job
SET status = 'todo', attempts = job.attempts + 1, scheduled_at = NULL, worker_id = NULL
WHERE job.status = 'doing' AND NOT EXISTS (
  SELECT FROM jobs.procrastinate_workers AS worker
  WHERE worker.id = job.worker_id
    AND worker.last_heartbeat > now() - make_interval(secs => :stalled)
)
RETURNING job.id
""")

_FORGET_FAILED = text("""
DELETE FROM jobs.procrastinate_jobs WHERE id IN (
  SELECT job.id FROM jobs.procrastinate_jobs AS job
  WHERE job.status NOT IN ('todo', 'doing') AND NOT EXISTS (
    SELECT FROM jobs.procrastinate_events AS event
    WHERE event.job_id = job.id AND event.at >= :before
  )
  LIMIT :limit
)
RETURNING id
""")

_FORGET_ERRORS = text("""
DELETE FROM control.job_error WHERE job_id IN (
  SELECT error.job_id FROM control.job_error AS error
  WHERE error.at < :before
    AND NOT EXISTS (SELECT FROM jobs.procrastinate_jobs AS job WHERE job.id = error.job_id)
  LIMIT :limit
)
RETURNING job_id
""")


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    queue: str
    queued: int
    retrying: int  # of those queued: failed before, and wait for another try
    running: int
    failed: int  # given up
    oldest: int | None  # seconds that the oldest of those queued has waited


async def queue_states(connection: AsyncConnection) -> list[QueueState]:
    """Give the state of each queue that has jobs."""
    rows = await connection.execute(_STATES)
    return [msgspec.convert(row, QueueState) for row in rows.mappings()]


async def retry_jobs(connection: AsyncConnection, queue: str | None) -> int:
    """Have those that were given up, or wait for another try, be tried now; give how many."""
    return len((await connection.execute(_RETRY, {"queue": queue})).all())


async def requeue_stalled(connection: AsyncConnection) -> int:
    """Take back the jobs of workers that are gone without a word; give how many."""
    return len((await connection.execute(_REQUEUE_STALLED, {"stalled": _STALLED})).all())


async def forget_failed(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove some that were given up before; give how many."""
    values = {"before": before, "limit": limit}
    return len((await connection.execute(_FORGET_FAILED, values)).all())


async def note_error(connection: AsyncConnection, job_id: int, error: str) -> None:
    """Keep why the job failed this time."""
    values = {"error": error, "at": func.now()}
    await connection.execute(
        insert(job_error)
        .values(job_id=job_id, **values)
        .on_conflict_do_update(index_elements=["job_id"], set_=values)
    )


async def forget_errors(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove some from before then whose job is gone; give how many."""
    return len((await connection.execute(_FORGET_ERRORS, {"before": before, "limit": limit})).all())


async def forget_letters(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove what is kept of some letters that were queued before; give how many."""
    old = select(letter.c.job_id).where(letter.c.queued_at < before).limit(limit)
    gone = await connection.scalars(
        delete(letter).where(letter.c.job_id.in_(old)).returning(letter.c.job_id)
    )
    return len(gone.all())


async def note_run(
    connection: AsyncConnection, name: str, every: int, ran_at: datetime, outcome: str
) -> None:
    """Note that what is done every so often (seconds) was done well."""
    values = {
        "every": every,
        "ran_at": ran_at,
        "well_at": ran_at,
        "outcome": outcome,
        "error": None,
    }
    await _note(connection, name, values, values)


async def note_failed_run(
    connection: AsyncConnection, name: str, every: int, ran_at: datetime, error: str
) -> None:
    """Note that it failed; what the last good run came to stays."""
    values = {"every": every, "ran_at": ran_at, "error": error}
    await _note(connection, name, {**values, "outcome": ""}, values)


async def newest_run(connection: AsyncConnection) -> datetime | None:
    """Say when anything was last done of what is done every so often."""
    found: datetime | None = await connection.scalar(select(func.max(periodic_run.c.ran_at)))
    return found


async def _note(
    connection: AsyncConnection, name: str, first: dict[str, object], later: dict[str, object]
) -> None:
    await connection.execute(
        insert(periodic_run)
        .values(name=name, **first)
        .on_conflict_do_update(index_elements=["name"], set_=later)
    )
