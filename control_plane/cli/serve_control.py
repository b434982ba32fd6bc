"""`auth-service serve control`: the console's processes."""

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.serve_pages import serve_pages
from control_plane.cli.settings import Login

_APPLICATION = "control_plane.app:from_environment"
_WITH_MAILBOX = "control_plane.dev.app:from_environment"

_group = click.Group()


@command(_group, "control")
@click.option("--catch-mail", is_flag=True, hidden=True, help="As `auth-service dev` serves it.")
def serve_control(terminal: Terminal, *, catch_mail: bool) -> None:
    """Serve the console until SIGINT or SIGTERM; SIGHUP replaces the workers."""
    application = _WITH_MAILBOX if catch_mail else _APPLICATION
    serve_pages(
        terminal, Login.CONTROL, application, lambda config: config.console_bind_address, "console"
    )
