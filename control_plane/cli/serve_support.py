"""`auth-service serve support`: the processes of our staff's app."""

import click

from control_plane.cli.command import Terminal, command
from control_plane.cli.serve_pages import serve_pages
from control_plane.cli.settings import Login

APPLICATION = "control_plane.support.app:from_environment"

_group = click.Group()


@command(_group, "support")
def serve_support(terminal: Terminal) -> None:
    """Serve the support app until SIGINT or SIGTERM; SIGHUP replaces the workers.

    Its login to the database is the one that ends in `_support`, and no other would do.
    """
    serve_pages(
        terminal,
        Login.SUPPORT,
        APPLICATION,
        lambda config: config.support_bind_address,
        "support app",
    )
