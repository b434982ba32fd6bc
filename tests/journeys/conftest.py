"""What the journeys share: a console that a browser can reach, on the test process' database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import free_port, wait_until_answered
from tests.support import Installation

_PATIENCE = 60


@pytest.fixture(scope="module")
def console_url(installation: Installation) -> Iterator[str]:
    """Serve the console under a name for which a browser makes passkeys without TLS."""
    port = free_port()
    environment = {
        **os.environ,
        **installation.environment(),
        "CONSOLE_URL": f"http://localhost:{port}",
        "CONSOLE_BIND_ADDRESS": f"127.0.0.1:{port}",
        "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "control_plane.cli.main", "serve", "control", "--catch-mail"]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/livez", process)
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
