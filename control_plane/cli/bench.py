"""`auth-service bench`: how fast it is on this machine."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from control_plane.benchmark.cores import Cores, choose_cores, move_tree
from control_plane.benchmark.installation import Installation, postgres_version
from control_plane.benchmark.measure import FULL, QUICK, Size, Spoiled
from control_plane.benchmark.processes import NotStarted
from control_plane.benchmark.report import table_of
from control_plane.benchmark.results import Results, describe_machine, describe_versions
from control_plane.benchmark.targets import judge
from control_plane.benchmark.whole import measure_ours, prepared
from control_plane.cli.command import Terminal, command
from control_plane.cli.database import run_with_store
from control_plane.cli.ending import ENDING
from control_plane.cli.logins import let_in
from control_plane.cli.settings import new_key
from migrations.run import migrate
from shared.runtime.config import FIELDS
from shared.runtime.embedded import EmbeddedPostgresError, start_postgres

_group = click.Group()


@command(_group, "bench")
@click.option("--quick", is_flag=True, help="Under a minute instead of some ten: rough figures.")
def bench(terminal: Terminal, quick: bool) -> None:
    """Measure how fast it is on this machine, with a database of its own that it then removes.

    Only addresses of this machine are asked.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended as by Ctrl-C: nothing stays
    try:
        results = run_bench(QUICK if quick else FULL, terminal)
    except (EmbeddedPostgresError, NotStarted, Spoiled) as error:
        raise click.ClickException(str(error)) from error
    terminal.show(
        results, table_of(results), "make bench, in a checkout, measures others beside it"
    )


def run_bench(size: Size, terminal: Terminal) -> Results:
    """Measure ours alone."""
    cores, began = choose_cores(), time.monotonic()
    machine = describe_machine(cores.server, cores.rest)
    with (
        installed(cores) as installation,
        prepared(installation, size, cores, terminal.say) as (bench, running),
    ):
        ours, limit = measure_ours(bench, running)
        return Results(
            machine=machine,
            versions=describe_versions(postgres_version(installation)),
            limit=limit,
            ours=ours,
            peers=[],
            targets=judge(ours, limit, [], [], cores=machine.cores),
            form=size.form,
            seconds=time.monotonic() - began,
        )


@contextmanager
def installed(cores: Cores) -> Iterator[Installation]:
    """Make a database in a temporary directory, on the core that is not the server's."""
    with TemporaryDirectory(prefix="auth-service-bench-") as directory:
        server = start_postgres(Path(directory) / "postgres")
        try:
            move_tree(server.pid, cores.rest)
            master_key = new_key()
            run_with_store(migrate(server.url))
            logins = run_with_store(let_in(server.url, master_key))
            yield Installation(
                owner_url=server.url,
                control_url=logins["control"],
                data_url=logins["data"],
                master_key=master_key,
                secret_pepper=new_key(),
                spool_dir=str(Path(directory) / "spool"),
                inherited=_inherited(Path(directory) / "compiled"),
            )
        finally:
            with _undisturbed():
                server.stop()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Heed no impatient Ctrl-C: it would leave the database running, whose files go next."""
    handlers = {each: signal.signal(each, signal.SIG_IGN) for each in ENDING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _inherited(compiled: Path) -> dict[str, str]:
    """Give the environment without anything of an installation of the user's own.

    Where the user has Python keep nothing, modules are compiled once, into `compiled`: a checkout's
    would be compiled anew by each start, and pip has compiled those that it installed.
    """
    ours = {*FIELDS, *(f"{name}_FILE" for name in FIELDS), "AUTH_SERVICE_DATA_DIR"}
    dropped = ours | {"PYTHONDONTWRITEBYTECODE"}
    kept = {name: each for name, each in os.environ.items() if name not in dropped}
    return kept | ({"PYTHONPYCACHEPREFIX": str(compiled)} if sys.dont_write_bytecode else {})
