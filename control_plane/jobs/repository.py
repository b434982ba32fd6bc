"""Rows of queued jobs. Works in the transaction that it is given, as the login.

The tables are procrastinate's; its triggers note each change of a job's state.
"""

from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
