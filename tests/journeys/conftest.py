"""What the journeys share: a console and a support app that a browser can reach, on the test
process' database.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import free_port, wait_until_answered
from tests.support import Installation

_PATIENCE = 60


@pytest.fixture(scope="module")
def console_url(installation: Installation) -> Iterator[str]:
    """Serve the console under a name for which a browser makes passkeys without TLS."""
    port = free_port()
    environment = {
        "CONSOLE_URL": f"http://localhost:{port}",
        "CONSOLE_BIND_ADDRESS": f"127.0.0.1:{port}",
        "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
    }
    with _served(installation, ["control", "--catch-mail"], environment, port):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module")
def support_url(installation: Installation) -> Iterator[str]:
    """Serve the support app, as its own login, under a name for which a browser makes passkeys."""
    port = free_port()
    environment = {
        "SUPPORT_URL": f"http://localhost:{port}",
        "SUPPORT_BIND_ADDRESS": f"127.0.0.1:{port}",
        "DATABASE_URL": installation.support_url,
    }
    with _served(installation, ["support"], environment, port):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module")
def both_urls(installation: Installation) -> Iterator[tuple[str, str]]:
    """Serve the support app and the console, each knowing where the other is."""
    support, console = free_port(), free_port()
    urls = (f"http://localhost:{support}", f"http://localhost:{console}")
    environment = {
        "SUPPORT_URL": urls[0],
        "SUPPORT_BIND_ADDRESS": f"127.0.0.1:{support}",
        "CONSOLE_URL": urls[1],
        "CONSOLE_BIND_ADDRESS": f"127.0.0.1:{console}",
        "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
    }
    as_support = environment | {"DATABASE_URL": installation.support_url}
    with (
        _served(installation, ["support"], as_support, support),
        _served(installation, ["control", "--catch-mail"], environment, console),
    ):
        yield urls


@contextmanager
def _served(
    installation: Installation, what: list[str], variables: dict[str, str], port: int
) -> Iterator[None]:
    environment = {
        **os.environ,
        **installation.environment(),
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "WARNING",
        **variables,
    }
    command = [sys.executable, "-m", "control_plane.cli.main", "serve", *what]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/livez", process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
