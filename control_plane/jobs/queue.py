"""The queue of background work, in PostgreSQL: procrastinate's, in schema `jobs`."""

import msgspec
from procrastinate import App, PsycopgConnector, RetryStrategy

from control_plane.mail.actions import QUEUE, SEND_LETTER
from control_plane.mail.rules import Letter
from control_plane.mail.smtp import Smtp

_TRIES = RetryStrategy(max_attempts=12, exponential_wait=3)  # about a day and a half


def make_queue(database_url: str, smtp: Smtp) -> App:
    """Make the queue with its tasks; `open_async` connects it."""
    connector = PsycopgConnector(
        conninfo=database_url, min_size=1, max_size=3, kwargs={"options": "-c search_path=jobs"}
    )
    queue = App(connector=connector)

    @queue.task(name=SEND_LETTER, queue=QUEUE, retry=_TRIES)
    async def send_letter(letter: dict[str, object]) -> None:
        await smtp.send(msgspec.convert(letter, Letter))

    return queue
