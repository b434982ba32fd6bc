"""`auth-service migrate`."""

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import run_with_store
from control_plane.cli.settings import Login, load_config
from migrations import run
from migrations.run import MigrationReport
from shared.runtime.database import Database

_group = click.Group()


@command(_group, "migrate")
@click.option("--check", is_flag=True, help="Only say what is to be done; exit 1 if anything is.")
def migrate(terminal: Terminal, *, check: bool) -> None:
    """Take the database to this release: the control schema, then every tenant's.

    DATABASE_URL is the owner's. A run that was cut off is taken up by the next one.
    """
    url = load_config(terminal.data_dir, Login.OWNER).database_url
    if check:
        _check(terminal, url)
        return
    report = run_with_store(_migrate(terminal, url))
    terminal.show(
        report,
        f"The database is at {report.control_revision}, its tenants at {report.tenant_revision}"
        f" ({report.tenants_migrated} migrated).",
        "auth-service doctor",
    )


async def _migrate(terminal: Terminal, url: str) -> MigrationReport:
    def progress(done: int, total: int) -> None:
        if terminal.asks:
            click.echo(f"\r{done}/{total} tenants", nl=done == total, err=True)

    return await run.migrate(url, progress)


def _check(terminal: Terminal, url: str) -> None:
    async def work() -> list[str]:
        database = Database(url)
        try:
            return await run.pending(database)
        finally:
            await database.close()

    found = run_with_store(work())
    terminal.show({"pending": found}, "\n".join(found) or "Nothing to do.")
    if found:
        raise SystemExit(1)
