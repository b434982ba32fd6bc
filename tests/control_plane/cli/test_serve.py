"""How `auth-service serve data` ends when a terminal runs it."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.conftest import free_port, wait_until_answered
from tests.control_plane.cli.development import MAY_TAKE_TO_STOP, PATIENCE
from tests.support import Installation

_STARTS = 5  # what went wrong did so in every third


@pytest.mark.timeout(600)
def test_an_impatient_ctrl_c_ends_the_server_and_its_workers(installation: Installation) -> None:
    # A terminal sends it to the whole group: to the workers too, which the server also stops.
    outcomes = [ended_by_ctrl_c(installation) for _ in range(_STARTS)]
    assert outcomes == [(0, [])] * _STARTS


def ended_by_ctrl_c(installation: Installation) -> tuple[int | None, list[psutil.Process]]:
    """Give the exit code (None: it goes on) and the processes that are left."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "control_plane.cli.main", "serve", "data"],
        env={
            **os.environ,
            **installation.environment(url),
            "DATABASE_URL": installation.data_url,
            "BIND_ADDRESS": f"127.0.0.1:{port}",
            "DRAIN_DELAY": "0",
            "WORKERS": "2",
            "LOG_LEVEL": "WARNING",
        },
        start_new_session=True,
    )
    workers: list[psutil.Process] = []
    try:
        wait_until_answered(f"{url}/readyz", process)
        workers = psutil.Process(process.pid).children(recursive=True)
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
        code = process.wait(MAY_TAKE_TO_STOP)
        left = psutil.wait_procs(workers, timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        return None, workers
    else:
        return code, left
    finally:
        process.kill()  # its workers end with it
        process.wait()
