"""`auth-service serve control`: probes, and a reload without a lost request."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import psutil
import pytest

from tests.conftest import free_port, wait_until_answered
from tests.management import bearer
from tests.support import Installation

_PATIENCE = 60.0  # seconds


class Console(msgspec.Struct):
    url: str
    process: subprocess.Popen[bytes]

    def workers(self) -> set[int]:
        return {each.pid for each in psutil.Process(self.process.pid).children()}


@contextmanager
def run_console(installation: Installation, **variables: str) -> Iterator[Console]:
    port = free_port()
    environment = {
        **os.environ,
        **installation.environment(),
        "CONSOLE_URL": f"http://localhost:{port}",
        "CONSOLE_BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "LOG_LEVEL": "WARNING",
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "control_plane.cli.main", "serve", "control"], env=environment
    )
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/livez", process)
        yield Console(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def test_sighup_replaces_the_worker_and_no_request_is_lost(installation: Installation) -> None:
    with run_console(installation) as console:
        assert httpx.get(f"{console.url}/readyz").json() == {"status": "ok"}
        before = console.workers()
        console.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + _PATIENCE
        while console.workers() & before:
            assert httpx.get(f"{console.url}/signin").status_code == 200
            assert time.monotonic() < end, "the worker was not replaced"
        assert httpx.get(f"{console.url}/signin").status_code == 200
        assert len(console.workers()) == 1


@pytest.fixture(scope="module")
def without_database(installation: Installation) -> Iterator[Console]:
    nowhere = "postgresql://u:p@127.0.0.1:1/auth"
    with run_console(installation, DATABASE_URL=nowhere) as console:
        yield console


def test_without_its_database_it_lives_and_is_not_ready(without_database: Console) -> None:
    paths = ("/livez", "/readyz", "/signin")
    answers = [httpx.get(f"{without_database.url}{path}").status_code for path in paths]
    assert answers == [200, 503, 200]


def test_without_its_database_the_management_api_asks_to_come_back(
    without_database: Console,
) -> None:
    answer = httpx.get(f"{without_database.url}/api/v1/tenants", headers=bearer("x.y.z"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
