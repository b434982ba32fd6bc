"""`auth-service serve control`: the console's processes."""

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.serve_pages import serve_pages
from control_plane.cli.settings import Login

_APPLICATION = "control_plane.app:from_environment"
WITH_MAILBOX = "control_plane.dev.app:from_environment"

_group = click.Group()


@command(_group, "control")
@click.option("--catch-mail", is_flag=True, hidden=True, help="As `auth-service dev` serves it.")
def serve_control(terminal: Terminal, *, catch_mail: bool) -> None:
    """Serve the console until SIGINT or SIGTERM; SIGHUP replaces the workers."""
    serve_pages(
        terminal,
        Login.CONTROL,
        application_of(catch_mail=catch_mail),
        lambda config: config.console_bind_address,
        "console",
    )


def application_of(*, catch_mail: bool) -> str:
    """Give MODULE:FACTORY of the console, with or without the page that letters go to."""
    return WITH_MAILBOX if catch_mail else _APPLICATION
