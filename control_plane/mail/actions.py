"""Queueing a letter in the transaction that causes it: it is sent if, and only if, that commits."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.mail.rules import Letter

QUEUE = "mail"
SEND_LETTER = "send_letter"

# procrastinate's own way in, which its `defer` uses too
_DEFER = text("""
SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[
  ROW(:queue, :task, 0, NULL, NULL, CAST(:arguments AS jsonb), NULL)
]::jobs.procrastinate_job_to_defer_v1[])
""")


async def queue_job(
    connection: AsyncConnection, queue: str, task: str, arguments: Mapping[str, object]
) -> None:
    """Queue a job, as the login."""
    given = msgspec.json.encode(arguments).decode()
    await connection.execute(_DEFER, {"queue": queue, "task": task, "arguments": given})


async def queue_letter(connection: AsyncConnection, letter: Letter) -> None:
    """Queue the letter, as the login. The job goes once it is sent: its link may be a secret."""
    await queue_job(connection, QUEUE, SEND_LETTER, {"letter": letter})
