"""`auth-service jobs …`: the queues of background work."""

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from control_plane.jobs import repository
from control_plane.jobs.repository import QueueState
from shared.runtime.config import Config
from shared.runtime.database import Database


class Retried(msgspec.Struct, frozen=True):
    jobs: int


@click.group()
def jobs() -> None:
    """Look at the queues of background work, and try again what has failed."""


@command(jobs, "list")
def list_(terminal: Terminal) -> None:
    """Say how many jobs of each queue wait, run and were given up, and since when they wait."""

    async def work(_: Config, database: Database) -> list[QueueState]:
        async with database.control() as connection:
            return await repository.queue_states(connection)

    found = with_database(terminal, work)
    failed = any(each.failed or each.retrying for each in found)
    text = "\n".join(_line(each) for each in found) or "No job waits."
    terminal.show({"queues": found}, text, "auth-service jobs retry" if failed else "")


@command(jobs, "retry")
@click.option("--queue", help="Of this queue alone.")
def retry(terminal: Terminal, queue: str | None) -> None:
    """Try again now: jobs that were given up, and those that wait for another try."""

    async def work(_: Config, database: Database) -> int:
        async with database.control() as connection:
            return await repository.retry_jobs(connection, queue)

    retried = with_database(terminal, work)
    terminal.show(
        Retried(retried),
        f"{retried} jobs are tried again within seconds.",
        "auth-service jobs list",
    )


def _line(state: QueueState) -> str:
    oldest = "" if state.oldest is None else f", the oldest for {state.oldest} s"
    return (
        f"{state.queue:<12} {state.queued} waiting ({state.retrying} to be tried again){oldest};"
        f" {state.running} running; {state.failed} given up"
    )
