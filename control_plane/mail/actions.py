"""Queueing a letter in the transaction that causes it: it is sent if, and only if, that commits."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import func, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.mail.rules import Letter, domain_of
from shared.runtime.tables.jobs import letter as queued_letter

QUEUE = "mail"
SEND_LETTER = "send_letter"

# procrastinate's own way in, which its `defer` uses too
_DEFER = text("""
SELECT unnest(jobs.procrastinate_defer_jobs_v1(ARRAY[
  ROW(:queue, :task, 0, NULL, NULL, CAST(:arguments AS jsonb), NULL)
]::jobs.procrastinate_job_to_defer_v1[]))
""")


async def queue_job(
    connection: AsyncConnection, queue: str, task: str, arguments: Mapping[str, object]
) -> int:
    """Queue a job, as the login; give its id."""
    given = msgspec.json.encode(arguments).decode()
    values = {"queue": queue, "task": task, "arguments": given}
    return int(await connection.scalar(_DEFER, values))


async def queue_letter(connection: AsyncConnection, letter: Letter) -> None:
    """Queue the letter, as the login. The job goes once it is sent: its link may be a secret."""
    job_id = await queue_job(connection, QUEUE, SEND_LETTER, {"letter": letter})
    await connection.execute(
        insert(queued_letter).values(
            job_id=job_id, kind=letter.kind, domain=domain_of(letter.to), queued_at=func.now()
        )
    )


async def set_letter_sent(connection: AsyncConnection, job_id: int) -> None:
    """Note that the mail server has taken the letter, as the login."""
    await connection.execute(
        update(queued_letter).where(queued_letter.c.job_id == job_id).values(sent_at=func.now())
    )
