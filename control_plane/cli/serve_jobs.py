"""`auth-service serve jobs`: the background work."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import click

from control_plane.billing.books import QUEUE as BILLING
from control_plane.billing.books import Books
from control_plane.billing.stripe_gateway import open_gateway
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import run_with_store
from control_plane.cli.ending import Ended, Ending
from control_plane.cli.settings import Login, load_config
from control_plane.jobs.audit_log import anchor_audit_log, keep_audit_log
from control_plane.jobs.billing import keep_books, tell_of_thresholds
from control_plane.jobs.clean_up import clean_up, rescue_jobs
from control_plane.jobs.deletions import delete_tenants
from control_plane.jobs.key_rotation import rotate_keys
from control_plane.jobs.limits import publish_limits
from control_plane.jobs.queue import SUPPORT, Work, work_queue
from control_plane.jobs.retention import keep_ledger
from control_plane.jobs.roll_up import roll_up_usage
from control_plane.keys.actions import KeyKeeper
from control_plane.mail.actions import QUEUE as MAIL
from control_plane.mail.smtp import Smtp
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.logs import configure_logs
from shared.runtime.sealing import Sealer

_group = click.Group()


@command(_group, "jobs")
def serve_jobs(terminal: Terminal) -> None:
    """Send mail, rotate keys, look after limits and billing, roll up usage, remove what is old.

    Until SIGINT or SIGTERM. Several may run, on several machines.
    """
    config = load_config(terminal.data_dir, Login.CONTROL)
    configure_logs(config.log_level)
    with Ending() as ending, suppress(Ended):
        run_with_store(_work(config), ending.run)


async def _work(config: Config) -> None:
    database = Database(config.database_url, config.audit_keys)
    keeper = KeyKeeper(database, Sealer(config.master_keys), lambda: datetime.now(UTC))
    smtp = Smtp(config.smtp_url, config.mail_from)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(rotate_keys(database, keeper))
            group.create_task(publish_limits(database))
            group.create_task(keep_ledger(database, config.ledger_days))
            group.create_task(roll_up_usage(database))
            group.create_task(keep_audit_log(database, config.audit_keys))
            group.create_task(anchor_audit_log(database))
            group.create_task(clean_up(database))
            group.create_task(delete_tenants(database))
            group.create_task(rescue_jobs(database))
            work = Work(database, smtp, console_url=config.console_url)
            group.create_task(work_queue(config.database_url, work, MAIL))
            group.create_task(work_queue(config.database_url, work, SUPPORT))
            group.create_task(tell_of_thresholds(database, config.console_url))
            group.create_task(_keep_books(config, database, smtp))
    finally:
        await database.close()


async def _keep_books(config: Config, database: Database, smtp: Smtp) -> None:
    """Do what billing asks for, where anything is sold."""
    stripe = open_gateway(config.stripe_api_key, config.stripe_api_base)
    if stripe is None:
        return
    books = Books(database, stripe, config.console_url)
    work = Work(database, smtp, books)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work_queue(config.database_url, work, BILLING))
            group.create_task(keep_books(database, stripe, books))
    finally:
        await stripe.close()
