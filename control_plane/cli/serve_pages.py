"""Serving an app of pages: its listener and its worker."""

import logging
import sys
from collections.abc import Callable

from control_plane.cli.command import Terminal
from control_plane.cli.listeners import open_listeners
from control_plane.cli.ports import refuse_taken_port
from control_plane.cli.settings import Login, environment_of
from control_plane.cli.workers import WorkerSupervisor
from shared.runtime.config import Config, read_config
from shared.runtime.logs import configure_logs, fields

_log = logging.getLogger("control_plane")


def serve_pages(
    terminal: Terminal,
    login: Login,
    application: str,
    address_of: Callable[[Config], tuple[str, int]],
    name: str,
) -> None:
    """Serve `module:factory` as that login until it is stopped; `name` is for the log."""

    def read_environment() -> dict[str, str]:
        environment = environment_of(terminal.data_dir, login)
        read_config(environment)
        return environment

    config = read_config(read_environment())
    configure_logs(config.log_level)
    host, port = address_of(config)
    refuse_taken_port(host, port)
    listeners = open_listeners(host, port, 1)
    _log.info(f"serving the {name}", extra=fields(address=f"{host}:{port}"))
    supervisor = WorkerSupervisor(application, listeners, read_environment, lambda _: None)
    sys.exit(supervisor.serve_until_stopped(config.drain_delay))
