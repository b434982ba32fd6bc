"""`auth-service serve data`: the data plane's processes, under granian."""

import logging
import os
from tempfile import TemporaryDirectory

import click
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from control_plane.cli.child import refuse_taken_port
from control_plane.cli.command import Terminal, command
from control_plane.cli.settings import Login, environment_of
from control_plane.cli.workers import WorkerSupervisor
from shared.runtime.config import Config, read_config
from shared.runtime.logs import configure_logs, fields

_log = logging.getLogger("data_plane")

_BACKLOG = 1024
_HEAD_PATIENCE = 10_000  # milliseconds a request's head may take to arrive
_HEAD_BUFFER = 32 * 1024  # bytes; the data plane answers for heads of more than half of it
_DRAIN = 25  # seconds a worker may take to finish what it has begun


_group = click.Group()


@command(_group, "data")
def serve_data(terminal: Terminal) -> None:
    """Serve the issuers' endpoints until SIGINT or SIGTERM."""
    # the workers read the environment again, each on its own
    os.environ.update(environment_of(terminal.data_dir, Login.DATA))
    config = read_config(os.environ)
    configure_logs(config.log_level)
    with TemporaryDirectory(prefix="auth-service-metrics-") as directory:
        # read by prometheus_client when a worker first imports it: so all count into one place
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        _serve_data_plane(config)


def _serve_data_plane(config: Config) -> None:
    host, port = config.bind_address
    refuse_taken_port(host, port)
    _log.info("serving", extra=fields(address=f"{host}:{port}", workers=config.workers))
    WorkerSupervisor(
        # a name, not an import: the planes do not know each other
        "data_plane.app:from_environment",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=config.workers,
        respawn_failed_workers=True,
        backlog=_BACKLOG,
        # "auto" waits without end for a silent connection, and forgets the buffer's bound
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEAD_PATIENCE, max_buffer_size=_HEAD_BUFFER
        ),
        websockets=False,
        workers_kill_timeout=_DRAIN,
        log_enabled=False,
    ).serve_until_stopped()
