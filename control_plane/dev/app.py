"""The console as `auth-service dev` starts it: with a mail server that catches all letters.

It listens where SMTP_URL leads. A console in production is another application, which has none of
this.
"""

from urllib.parse import urlsplit

from litestar import Litestar, Router

from control_plane.app import create_console
from control_plane.dev.mailbox import Mailbox
from control_plane.dev.pages import MAILBOX_PAGES
from control_plane.http.given import given
from control_plane.keys.stock import KeyStock
from shared.runtime.config import Config, read_process_config
from shared.runtime.leaving import Leaving
from shared.runtime.logs import configure_logs

_KEYS = 1  # that lie ready: one person makes tenants here, and each key takes time of the start


def from_environment(_: Leaving) -> Litestar:
    """Make a worker's application: what the worker serves."""
    config = read_process_config()
    configure_logs(config.log_level)
    return create_dev_console(config, Mailbox(), KeyStock(_KEYS))


def create_dev_console(config: Config, mailbox: Mailbox, stock: KeyStock | None = None) -> Litestar:
    place = urlsplit(config.smtp_url)

    async def open_mailbox() -> None:
        _ = await mailbox.open(place.hostname or "127.0.0.1", place.port or 0)

    console = create_console(config, stock)
    console.register(
        Router("/", route_handlers=MAILBOX_PAGES, dependencies={"mailbox": given(mailbox)})
    )
    console.on_startup.append(open_mailbox)
    console.on_shutdown.append(mailbox.close)
    return console
