"""Serving an application in this very process, as the parts of `auth-service dev` do.

Nobody keeps workers here: `dev` ends when one of its parts does.
"""

import os
from typing import NoReturn

from control_plane.cli.listeners import open_listeners
from control_plane.cli.worker import run_worker


def serve_alone(application: str, address: tuple[str, int]) -> NoReturn:
    """Serve MODULE:FACTORY there until SIGINT or SIGTERM. Raises OSError."""
    (listener,) = open_listeners(*address, 1)
    ready = os.open(os.devnull, os.O_WRONLY)  # nobody waits to hear of it: `dev` asks /readyz
    module, factory = application.split(":")
    run_worker(listener, ready, module, factory, held=False)
