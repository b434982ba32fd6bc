"""Fixtures: a real PostgreSQL and a real data plane, once for each test process."""

import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from control_plane.cli.logins import let_in
from migrations.run import migrate
from shared.runtime.config import FIELDS, Config, read_config
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres, start_postgres
from tests.support import AUDIT_KEYS, MASTER_KEY, Installation, MadeTenant, Server, make_tenant

_WORKERS = 2
_FIRST_PORT, _PORTS = 10_000, 22_000  # Linux begins at 32,768 with those of connections
_PATIENCE = 60.0  # seconds
_MEMORY = Path("/dev/shm")  # noqa: S108 - a cluster on memory keeps the disk out of the tests


def pytest_configure() -> None:
    """Have no test see the product that runs in this folder, or that the shell's variables name."""
    for name in FIELDS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ["AUTH_SERVICE_DATA_DIR"] = str(Path(__file__).parent / "no-such-folder")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job has it so
        signal.signal(signal.SIGINT, signal.default_int_handler)  # our children are to hear it


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take long, by its own timeout: at the end nothing waits for it alone."""
    items.sort(key=lambda each: each.get_closest_marker("timeout") is None)


def pytest_collection_finish() -> None:
    """Keep the collector from looking at some hundred megabytes of collected tests each time."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Have httpx's clients share one TLS context: to read the authorities takes 60 ms of a core."""
    with pytest.MonkeyPatch.context() as patch:
        made = cache(httpx.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", made)
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Have the databases that tests open share what SQLAlchemy has compiled: a sixth of their CPU.

    It keeps what it compiles by the dialect, of which each database has one.
    """
    compiled: dict[str, Any] = {"compiled_cache": LRUCache(2000)}

    def create(*given: Any, execution_options: dict[str, Any], **more: Any) -> AsyncEngine:
        return create_async_engine(*given, execution_options=compiled | execution_options, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PGDialect_asyncpg, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(PGDialect_asyncpg, "__hash__", lambda one: hash(type(one)))
        patch.setattr("shared.runtime.database.create_async_engine", create)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    with run_postgres() as server:
        yield server


@contextmanager
def run_postgres(binaries: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """Run a cluster of its own, and remove it."""
    parent = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2**31 else None
    directory = Path(tempfile.mkdtemp(prefix="auth-service-test-", dir=parent))
    try:
        server = start_postgres(directory / "postgres", binaries=binaries)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def installation(postgres: EmbeddedPostgres) -> Installation:
    return new_installation(postgres.url)


def new_installation(owner_url: str) -> Installation:
    """Make and migrate a new database on the cluster."""

    async def install() -> Installation:
        name = f"test_{token_hex(4)}"
        connection = await asyncpg.connect(owner_url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = urlunsplit(urlsplit(owner_url)._replace(path=f"/{name}"))
        await migrate(url)
        logins = await let_in(url, MASTER_KEY)
        return Installation(
            owner_url=url,
            control_url=logins["control"],
            data_url=logins["data"],
            support_url=logins["support"],
        )

    return asyncio.run(install())


@pytest.fixture(scope="session")
def server(installation: Installation) -> Iterator[Server]:
    with run_server(installation) as running:
        yield running


@contextmanager
def run_server(
    installation: Installation,
    *,
    workers: int = _WORKERS,
    tree: Path | None = None,
    **variables: str,
) -> Iterator[Server]:
    """Run `auth-service serve data` on a free port until the block is left; `tree` has its code."""
    with (
        tempfile.TemporaryDirectory() as spool,
        _run_server(installation, workers, tree, {"SPOOL_DIR": spool, **variables}) as server,
    ):
        yield server


@contextmanager
def _run_server(
    installation: Installation, workers: int, tree: Path | None, variables: Mapping[str, str]
) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **installation.environment(url),
        "DATABASE_URL": installation.data_url,
        "BIND_ADDRESS": f"127.0.0.1:{port}",
        "DRAIN_DELAY": "0",
        "WORKERS": str(workers),
        "LOG_LEVEL": "WARNING",
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "control_plane.cli.main", "serve", "data"],
        env=environment,
        cwd=tree,
    )
    try:
        wait_until_answered(f"{url}/readyz", process)
        yield Server(url=url, pid=process.pid, installation=installation)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def wait_until_answered(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended while it was starting"
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    pytest.fail(f"{url} did not answer")


def free_port() -> int:
    """Give a port that is free, of those that no outgoing connection gets before it is bound."""
    while True:
        port = _FIRST_PORT + randbelow(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def config(server: Server) -> Config:
    """The control plane's configuration beside the running server."""
    return read_config(server.installation.environment(server.url))


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    """The database as the control plane logs in to it."""
    opened = Database(installation.control_url, AUDIT_KEYS)
    yield opened
    await opened.close()


@pytest.fixture
async def tenant(database: Database, config: Config) -> MadeTenant:
    return await make_tenant(database, config)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client
