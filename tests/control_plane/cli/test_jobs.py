"""`auth-service jobs`: what waits and what has failed is seen, and tried again."""

import asyncio
from typing import Any

from sqlalchemy import text

from control_plane.mail.actions import queue_letter
from control_plane.mail.rules import Letter
from tests.control_plane.cli.conftest import Cli
from tests.support import opened


def change(cli: Cli, statement: str) -> None:
    async def run() -> None:
        async with (
            opened(str(cli.environment["DATABASE_URL"])) as database,
            database.control() as connection,
        ):
            await connection.execute(text(statement))

    asyncio.run(run())


def queue_letters(cli: Cli, count: int) -> None:
    async def run() -> None:
        async with (
            opened(str(cli.environment["DATABASE_URL"])) as database,
            database.control() as connection,
        ):
            for number in range(count):
                new = Letter(to=f"p{number}@example.com", subject="c4n4ry", words=())
                await queue_letter(connection, new)

    asyncio.run(run())


def counts(cli: Cli) -> dict[str, Any]:
    (found,) = cli.json("jobs", "list")["queues"]
    return {name: found[name] for name in ("queue", "queued", "retrying", "running", "failed")}


def test_failed_jobs_are_seen_and_tried_again(cli: Cli) -> None:
    assert cli.json("jobs", "list") == {"queues": []}
    assert "No job waits." in cli.text("jobs", "list").stdout
    queue_letters(cli, 3)
    change(
        cli,
        """
        UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 30
        WHERE id = (SELECT min(id) FROM jobs.procrastinate_jobs)
        """,
    )
    seen = {"queue": "mail", "queued": 2, "retrying": 0, "running": 0, "failed": 1}
    assert counts(cli) == seen
    assert cli.json("jobs", "list")["queues"][0]["oldest"] in range(60)
    shown = cli.text("jobs", "list")
    assert "1 given up" in shown.stdout
    assert "Next: auth-service jobs retry" in shown.stderr
    assert "c4n4ry" not in shown.output
    assert cli.json("jobs", "retry", "--queue", "exports") == {"jobs": 0}
    assert cli.json("jobs", "retry") == {"jobs": 1}
    assert counts(cli) == seen | {"queued": 3, "failed": 0}
    change(cli, "DELETE FROM jobs.procrastinate_jobs")
