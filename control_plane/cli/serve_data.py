"""`auth-service serve data`: the data plane's processes."""

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.listeners import open_listeners
from control_plane.cli.ports import refuse_taken_port
from control_plane.cli.settings import Login, environment_of
from control_plane.cli.workers import WorkerSupervisor
from shared.runtime.config import Config, read_config
from shared.runtime.logs import configure_logs, fields

_log = logging.getLogger("data_plane")

APPLICATION = "data_plane.app:from_environment"

_group = click.Group()


@command(_group, "data")
def serve_data(terminal: Terminal) -> None:
    """Serve the issuers' endpoints until SIGINT or SIGTERM; SIGHUP replaces the workers."""
    config = read_config(environment_of(terminal.data_dir, Login.DATA))
    configure_logs(config.log_level)
    with TemporaryDirectory(prefix="auth-service-metrics-") as directory:
        code = _serve_data_plane(terminal, config, directory)
    sys.exit(code)


def _serve_data_plane(terminal: Terminal, config: Config, directory: str) -> int:
    def read_environment() -> dict[str, str]:
        """Read it anew, as each reload does; the workers read it again, each on its own."""
        environment = environment_of(terminal.data_dir, Login.DATA)
        read_config(environment)
        # read by prometheus_client when a worker first imports it: so all count into one place
        return environment | {"PROMETHEUS_MULTIPROC_DIR": directory}

    def forget(pid: int) -> None:
        """Drop the worker's gauges: they say what a living one holds. Its counters stay.

        prometheus_client has a function for it, but its import takes 60 ms of each start.
        """
        for gauge in Path(directory).glob(f"gauge_live*_{pid}.db"):
            gauge.unlink(missing_ok=True)

    host, port = config.bind_address
    refuse_taken_port(host, port)
    listeners = open_listeners(host, port, config.workers)
    _log.info("serving", extra=fields(address=f"{host}:{port}", workers=config.workers))
    supervisor = WorkerSupervisor(APPLICATION, listeners, read_environment, forget)
    return supervisor.serve_until_stopped(config.drain_delay)
