"""`auth-service serve jobs`: the background work."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.ending import Ended, Ending
from control_plane.cli.settings import Login, load_config
from control_plane.jobs.key_rotation import rotate_keys
from control_plane.jobs.limits import publish_limits
from control_plane.jobs.retention import keep_ledger
from control_plane.keys.actions import KeyKeeper
from shared.runtime.database import Database
from shared.runtime.logs import configure_logs
from shared.runtime.sealing import Sealer

_group = click.Group()


@command(_group, "jobs")
def serve_jobs(terminal: Terminal) -> None:
    """Rotate signing keys, look after limits and drop old records, until SIGINT or SIGTERM."""
    config = load_config(terminal.data_dir, Login.CONTROL)
    configure_logs(config.log_level)
    database = Database(config.database_url, config.audit_keys)
    keeper = KeyKeeper(database, Sealer(config.master_keys), lambda: datetime.now(UTC))

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(rotate_keys(keeper))
                group.create_task(publish_limits(database))
                group.create_task(keep_ledger(database, config.ledger_days))
        finally:
            await database.close()

    with Ending() as ending, suppress(Ended):
        ending.run(work())
