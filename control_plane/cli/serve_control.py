"""`auth-service serve control`: the console's processes."""

import logging
import sys

import click

from control_plane.cli.child import refuse_taken_port
from control_plane.cli.command import Terminal, command
from control_plane.cli.listeners import open_listeners
from control_plane.cli.settings import Login, environment_of
from control_plane.cli.workers import WorkerSupervisor
from shared.runtime.config import read_config
from shared.runtime.logs import configure_logs, fields

_log = logging.getLogger("control_plane")

_APPLICATION = "control_plane.app:from_environment"
_WITH_MAILBOX = "control_plane.dev.app:from_environment"

_group = click.Group()


@command(_group, "control")
@click.option("--catch-mail", is_flag=True, hidden=True, help="As `auth-service dev` serves it.")
def serve_control(terminal: Terminal, *, catch_mail: bool) -> None:
    """Serve the console until SIGINT or SIGTERM; SIGHUP replaces the workers."""

    def read_environment() -> dict[str, str]:
        environment = environment_of(terminal.data_dir, Login.CONTROL)
        read_config(environment)
        return environment

    config = read_config(read_environment())
    configure_logs(config.log_level)
    host, port = config.console_bind_address
    refuse_taken_port(host, port)
    listeners = open_listeners(host, port, 1)
    _log.info("serving the console", extra=fields(address=f"{host}:{port}"))
    application = _WITH_MAILBOX if catch_mail else _APPLICATION
    supervisor = WorkerSupervisor(application, listeners, read_environment, lambda _: None)
    sys.exit(supervisor.serve_until_stopped(config.drain_delay))
