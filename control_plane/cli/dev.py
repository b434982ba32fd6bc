"""`auth-service dev`: everything on this machine, from nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.ending import Ended, Ending
from control_plane.cli.ports import HOST, Ports, free_port, is_free, refuse_taken_port
from control_plane.cli.settings import Login, given_settings
from shared.runtime.embedded import EmbeddedPostgresError, start_postgres

_group = click.Group()

_PARTS = "control_plane.cli.dev_parts"  # imported late: a refusal need not wait for it
_DEFAULT_PORT = 8080
_DEFAULT_CONSOLE_PORT = 8081
_DEFAULT_SUPPORT_PORT = 8082


@command(_group, "dev")
@click.option("--port", type=click.IntRange(1, 65535), default=_DEFAULT_PORT, show_default=True)
@click.option(
    "--console-port",
    type=click.IntRange(1, 65535),
    help=f"[default: {_DEFAULT_CONSOLE_PORT}, or another where that is taken]",
)
@click.option(
    "--support-port",
    type=click.IntRange(1, 65535),
    help=f"[default: {_DEFAULT_SUPPORT_PORT}, or another where that is taken]",
)
def dev(terminal: Terminal, port: int, console_port: int | None, support_port: int | None) -> None:
    """Run everything on this machine, from nothing: Ctrl-C stops all of it.

    PostgreSQL is embedded, unless DATABASE_URL names one. Mail goes to a page of the console,
    unless SMTP_URL names a server.
    """
    with Ending() as ending:
        _serve(terminal, port, (console_port, support_port), ending)


def _serve(
    terminal: Terminal, port: int, asked: tuple[int | None, int | None], ending: Ending
) -> None:
    try:
        refuse_taken_port(HOST, port)
        console = _port("--console-port", asked[0], _DEFAULT_CONSOLE_PORT, {port})
        support = _port("--support-port", asked[1], _DEFAULT_SUPPORT_PORT, {port, console})
        ports = Ports(data=port, console=console, support=support)
        with _alone(terminal.data_dir), _database_url(terminal.data_dir) as owner_url:
            ending.check()
            import_module(_PARTS).run_parts(terminal, owner_url, ports, ending)
    except Ended:
        terminal.say("\nStopped.")
    except EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from error


def _port(option: str, asked: int | None, usual: int, taken: set[int]) -> int:
    """Give the port that was asked for, which must be free; else the usual one, or any other."""
    if asked is not None:
        if asked in taken:
            raise click.UsageError(f"{option} must differ from the other ports.")
        refuse_taken_port(HOST, asked)
        return asked
    return usual if usual not in taken and is_free(HOST, usual) else free_port(HOST, taken)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Refuse a second `dev` here: the one that ends first would stop the database of the other.

    The kernel lets go of the lock, however we end, and our children do not have it.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise click.ClickException(
                f"Another `auth-service dev` uses {data_dir}: name another --data-dir, or stop it."
            ) from error
        yield


@contextmanager
def _database_url(data_dir: Path) -> Iterator[str]:
    """Give the owner's URL: DATABASE_URL always wins over the embedded server."""
    given = given_settings().get(Login.OWNER)
    if given is not None:
        yield given
        return
    server = start_postgres(data_dir / "postgres")
    try:
        yield server.url
    finally:
        server.stop()
