"""Jobs, letters and periodic work, without what they are about. As the support login."""

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.support.work.rules import Job, LetterCount, PeriodicRun, QueueDepth, Sought
from shared.runtime.tables.jobs import periodic_run

# Of a queue that nothing waits in there is no row; those that there are always are named.
_QUEUES = text("""
SELECT job.queue_name AS queue,
  count(*) FILTER (WHERE job.status = 'todo') AS waiting,
  count(*) FILTER (WHERE job.status = 'todo' AND job.attempts > 0) AS retrying,
  count(*) FILTER (WHERE job.status = 'doing') AS doing,
  count(*) FILTER (WHERE job.status IN ('failed', 'aborted')) AS failed,
  count(*) FILTER (WHERE job.status IN ('failed', 'aborted')
    AND ended.at > now() - interval '24 hours') AS failed_lately,
  min(deferred.at) FILTER (WHERE job.status = 'todo') AS oldest
FROM jobs.procrastinate_jobs AS job
JOIN LATERAL (SELECT min(at) AS at FROM jobs.procrastinate_events
  WHERE job_id = job.id AND type = 'deferred') AS deferred ON true
JOIN LATERAL (SELECT max(at) AS at FROM jobs.procrastinate_events
  WHERE job_id = job.id) AS ended ON true
GROUP BY job.queue_name ORDER BY job.queue_name
""")

_JOBS = """
SELECT job.id, job.queue_name AS queue, job.task_name AS task, job.status::text AS status,
  job.attempts, job.scheduled_at, deferred.at AS queued_at, error.error, error.at AS failed_at,
  letter.kind AS letter_kind, letter.domain AS letter_domain, count(*) OVER () AS total
FROM jobs.procrastinate_jobs AS job
JOIN LATERAL (SELECT min(at) AS at FROM jobs.procrastinate_events
  WHERE job_id = job.id AND type = 'deferred') AS deferred ON true
LEFT JOIN control.job_error AS error ON error.job_id = job.id
LEFT JOIN control.letter AS letter ON letter.job_id = job.id
WHERE (:queue = '' OR job.queue_name = :queue)
  AND (:state = '' OR CASE :state
    WHEN 'failed' THEN job.status IN ('failed', 'aborted')
    WHEN 'retrying' THEN job.status = 'todo' AND job.attempts > 0
    ELSE job.status IN ('todo', 'doing') END)
"""
_PAGE = text(f"""{_JOBS}
ORDER BY job.status IN ('failed', 'aborted') DESC, job.id DESC OFFSET :offset LIMIT :limit""")
_ONE = text(f"{_JOBS} AND job.id = :id")

_LETTERS = text("""
SELECT letter.kind, letter.domain,
  count(*) FILTER (WHERE job.status IN ('todo', 'doing')) AS waiting,
  count(*) FILTER (WHERE job.status IN ('failed', 'aborted')) AS failed,
  count(*) FILTER (WHERE letter.sent_at > now() - interval '24 hours') AS sent
FROM control.letter AS letter LEFT JOIN jobs.procrastinate_jobs AS job ON job.id = letter.job_id
WHERE job.id IS NOT NULL OR letter.sent_at > now() - interval '24 hours'
GROUP BY letter.kind, letter.domain
ORDER BY failed DESC, waiting DESC, sent DESC, letter.kind, letter.domain LIMIT :limit
""")

_RETRY = text("SELECT control.support_retry(:queue, :job)")
_WAITING = text("""
SELECT count(*) FROM jobs.procrastinate_jobs
WHERE task_name = :task AND status IN ('todo', 'doing')
""")


async def queue_depths(connection: AsyncConnection) -> list[QueueDepth]:
    """Give the state of each queue that has jobs."""
    rows = await connection.execute(_QUEUES)
    return [msgspec.convert(row, QueueDepth) for row in rows.mappings()]


async def page_of_jobs(
    connection: AsyncConnection, sought: Sought, *, offset: int, limit: int
) -> tuple[list[Job], int]:
    """List those that are sought, the failed and the newest first; and say how many there are."""
    values = {"queue": sought.queue, "state": sought.state, "offset": offset, "limit": limit}
    page = (await connection.execute(_PAGE, values)).mappings().all()
    return [msgspec.convert(row, Job) for row in page], page[0]["total"] if page else 0


async def find_job(connection: AsyncConnection, job_id: int) -> Job | None:
    rows = await connection.execute(_ONE, {"queue": "", "state": "", "id": job_id})
    row = rows.mappings().first()
    return None if row is None else msgspec.convert(row, Job)


async def waiting_jobs(connection: AsyncConnection, task: str) -> int:
    """Count the jobs of a task that wait or run."""
    return int(await connection.scalar(_WAITING, {"task": task}) or 0)


async def letter_counts(connection: AsyncConnection, limit: int) -> list[LetterCount]:
    """Count letters by their kind and the domain that they go to; the worst first."""
    rows = await connection.execute(_LETTERS, {"limit": limit})
    return [msgspec.convert(row, LetterCount) for row in rows.mappings()]


async def list_runs(connection: AsyncConnection) -> list[PeriodicRun]:
    rows = await connection.execute(select(periodic_run).order_by(periodic_run.c.name))
    return [msgspec.convert(row, PeriodicRun) for row in rows.mappings()]


async def find_run(connection: AsyncConnection, name: str) -> PeriodicRun | None:
    rows = await connection.execute(select(periodic_run).where(periodic_run.c.name == name))
    row = rows.mappings().first()
    return None if row is None else msgspec.convert(row, PeriodicRun)


async def retry(connection: AsyncConnection, queue: str, job_id: int | None) -> int:
    """Have a job of the queue that waits or was given up be tried now, or all; give how many."""
    return int(await connection.scalar(_RETRY, {"queue": queue, "job": job_id}) or 0)
