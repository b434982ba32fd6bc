"""Queueing a letter in the transaction that causes it: it is sent if, and only if, that commits."""

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


async def queue_letter(connection: AsyncConnection, letter: Letter) -> None:
    """Queue the letter, as the login. The job goes once it is sent: its link may be a secret."""
    arguments = msgspec.json.encode({"letter": letter}).decode()
    await connection.execute(_DEFER, {"queue": QUEUE, "task": SEND_LETTER, "arguments": arguments})
