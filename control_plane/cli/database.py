"""Opening the database for a command, as the control plane's login."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from control_plane.cli.command import Terminal
from control_plane.cli.settings import Login, load_config
from control_plane.tenants.actions import show_tenant
from shared.domain.ids import TenantId
from shared.runtime.config import Config
from shared.runtime.database import DATABASE_TROUBLE, Database

Result = TypeVar("Result")


def with_database(
    terminal: Terminal, work: Callable[[Config, Database], Coroutine[Any, Any, Result]]
) -> Result:
    """Run the work with the configuration and an open database."""

    async def run(config: Config) -> Result:
        database = Database(config.database_url, config.audit_keys)
        try:
            return await work(config, database)
        finally:
            await database.close()

    return run_with_store(run(load_config(terminal.data_dir, Login.CONTROL)))


def run_with_store(
    work: Coroutine[Any, Any, Result],
    run: Callable[[Coroutine[Any, Any, Result]], Result] = asyncio.run,
) -> Result:
    """Run the work; what its database refuses ends the command in one line."""
    try:
        return run(work)
    except DATABASE_TROUBLE as error:
        raise click.ClickException(f"The database refused: {_cause_of(error)}") from error


async def tenant_id_of(database: Database, slug: str) -> TenantId:
    return (await show_tenant(database, slug)).id


def _cause_of(error: BaseException) -> str:
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(origin).splitlines()[0] if str(origin) else type(origin).__name__
