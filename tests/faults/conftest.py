"""Fixtures of the fault tests: a cluster that may be killed, and servers of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.runtime.config import read_config
from shared.runtime.embedded import EmbeddedPostgres, start_postgres
from tests.conftest import free_port, new_installation
from tests.support import Installation, MadeTenant, Server, make_tenant, opened

_MEMORY = Path("/dev/shm")  # noqa: S108 - no fixed name in it
_ROOM = 2**31  # bytes
_PATIENCE = 60.0  # seconds


class Cluster:
    """A PostgreSQL of our own; every start has the port and the password of the first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: EmbeddedPostgres | None = None

    def start(self) -> str:
        port = self._directory / "port"
        if not port.exists():  # one that no connection gets while the server is dead
            self._directory.mkdir(mode=0o700)
            port.write_text(str(free_port()))
        self._server = start_postgres(self._directory)
        return self._server.url

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def kill(self) -> None:
        """End the postmaster by kill -9; the rest of the server sees it and ends too."""
        assert self._server is not None
        postmaster = psutil.Process(self._server.pid)
        family = postmaster.children(recursive=True)
        postmaster.kill()
        postmaster.wait(_PATIENCE)
        psutil.wait_procs(family, timeout=_PATIENCE)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with tempfile.TemporaryDirectory(dir=_MEMORY if roomy else None) as directory:
        cluster = Cluster(Path(directory) / "postgres")
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def own_installation(cluster: Cluster) -> Installation:
    """An installation on the cluster that may be killed."""
    return new_installation(cluster.start())


@pytest.fixture
def alone(postgres: EmbeddedPostgres) -> Installation:
    """An installation of its own: what is done to its logins and tables touches no other test."""
    return new_installation(postgres.url)


@contextmanager
def start_data_plane(installation: Installation) -> Iterator[Server]:
    """Start `auth-service serve data` and wait for nothing: its database may be down."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    spool = tempfile.TemporaryDirectory()
    environment = {
        **os.environ,
        **installation.environment(url),
        "DATABASE_URL": installation.data_url,
        "BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "SPOOL_DIR": spool.name,
        "WORKERS": "2",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "control_plane.cli.main", "serve", "data"]
    process = subprocess.Popen(command, env=environment)
    try:
        yield Server(url=url, pid=process.pid, installation=installation)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
        spool.cleanup()


@asynccontextmanager
async def served_tenant(server: Server) -> AsyncIterator[MadeTenant]:
    """Make a tenant at a server that is not the session's."""
    config = read_config(server.installation.environment(server.url))
    async with opened(server.installation.control_url) as database:
        yield await make_tenant(database, config)


@asynccontextmanager
async def login_locked_out(installation: Installation, purpose: str) -> AsyncIterator[None]:
    """End the connections of a plane's login, and let it make no new ones."""
    owner = await asyncpg.connect(installation.owner_url)
    login = await owner.fetchval(
        "SELECT role_name FROM control.login_role WHERE purpose = $1", purpose
    )
    await owner.execute(f'ALTER ROLE "{login}" NOLOGIN')
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", login
    )
    try:
        yield
    finally:
        await owner.execute(f'ALTER ROLE "{login}" LOGIN')
        await owner.close()
