"""The commands, run in this process against a data plane of their own."""

import asyncio
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import psutil
import pytest
from click.testing import CliRunner, Result

from control_plane.cli.main import main
from control_plane.tenants import actions
from control_plane.tenants.actions import create_tenant
from shared.runtime.config import FIELDS
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import free_port, new_installation, run_server
from tests.control_plane.cli.development import Dev, Ran, fetch_token, run_dev, until, verify
from tests.keys import some_key
from tests.support import Server, new_slug

NOTHING_SET: dict[str, str | None] = dict.fromkeys(
    [*FIELDS, *(f"{name}_FILE" for name in FIELDS), "CLIENT_SECRET"]
)


_MEMORY = Path("/dev/shm")  # noqa: S108 - no fixed name in it


class Cli(msgspec.Struct, frozen=True):
    """Runs `auth-service` with an environment; None takes a variable away."""

    environment: dict[str, str | None]

    def run(self, *arguments: str, stdin: str | None = None, **variables: str | None) -> Result:
        """Run it to its end, which is never a traceback."""
        environment = self.environment | variables
        result = CliRunner().invoke(main, arguments, input=stdin, env=environment)
        ended = result.exception is None or isinstance(result.exception, SystemExit)
        assert ended, repr(result.exception)
        assert "Traceback" not in result.output
        return result

    def text(self, *arguments: str, stdin: str | None = None, **variables: str | None) -> Result:
        result = self.run(*arguments, stdin=stdin, **variables)
        assert result.exit_code == 0, result.output
        return result

    def json(self, *arguments: str, stdin: str | None = None, **variables: str | None) -> Any:
        """Give the one JSON document that stdout is."""
        result = self.run(*arguments, "--json", stdin=stdin, **variables)
        assert result.exit_code == 0, result.output
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def refusal(self, *arguments: str, stdin: str | None = None, **variables: str | None) -> str:
        """Give the one line with which it is refused."""
        return self._refused(1, arguments, stdin, variables)

    def usage_error(self, *arguments: str, **variables: str | None) -> str:
        """Give the line that says what is wrong with the command itself."""
        return self._refused(2, arguments, None, variables)

    def _refused(
        self,
        code: int,
        arguments: tuple[str, ...],
        stdin: str | None,
        variables: dict[str, str | None],
    ) -> str:
        result = self.run(*arguments, stdin=stdin, **variables)
        assert (result.exit_code, result.stdout) == (code, "")
        *usage, line = result.stderr.splitlines()
        assert code == 2 or usage == [], result.stderr
        assert line.startswith("Error: ")
        return line


@pytest.fixture(scope="session")
def quiet_server(postgres: EmbeddedPostgres) -> Iterator[Server]:
    """A data plane whose tenants are all of these tests' making."""
    with run_server(new_installation(postgres.url), workers=1) as running:
        yield running


@pytest.fixture
def cli(quiet_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setattr(actions, "create_tenant", partial(create_tenant, generate=some_key))
    return Cli(
        {
            **NOTHING_SET,
            **quiet_server.installation.environment(quiet_server.url),
            "AUTH_SERVICE_DATA_DIR": str(tmp_path / "absent"),
        }
    )


class Stocked(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant, its API and its client, all made by commands."""

    slug: str
    audience: str
    client_id: str
    client_secret: str

    @property
    def caller(self) -> tuple[str, ...]:
        return "--tenant", self.slug, "--client-id", self.client_id


@pytest.fixture
def stocked(cli: Cli) -> Stocked:
    slug = new_slug()
    audience = f"https://api.{slug}.example"
    cli.json("tenant", "create", slug)
    cli.json(
        *("api", "create", "--tenant", slug, "--identifier", audience),
        *("--scope", "read=Read things", "--scope", "write"),
    )
    client = cli.json("client", "create", "--tenant", slug, "--name", "first")
    return Stocked(slug=slug, audience=audience, **client)


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> str:
    """The owner's URL of a database in which nothing is."""
    name = f"empty_{token_hex(4)}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return urlunsplit(urlsplit(postgres.url)._replace(path=f"/{name}"))


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Print nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """An HTTP server that is no issuer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A directory in memory where there is room: a cluster has 40 MB."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30
    with tempfile.TemporaryDirectory(dir=_MEMORY if roomy else None) as path:
        yield Path(path)


async def is_anchored(owner_url: str) -> bool:
    """Tell whether the background work has been through its first turn."""
    connection = await asyncpg.connect(owner_url)
    try:
        query = "SELECT bool_and(anchored_seq = seq) FROM control.audit_head"
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def first(home: Path) -> Ran:
    data_dir, port = home / "first" / "D", free_port()
    with run_dev(data_dir, port, "--json") as dev:
        announced = dev.announced()
        token = fetch_token(announced)
        claims = verify(token, announced)
        until(lambda: asyncio.run(is_anchored(announced["database_url"])))
        started = [" ".join(each.cmdline()) for each in dev.running()]
        threads = psutil.Process(dev.process.pid).num_threads()
        began = time.monotonic()
        dev.interrupt()
        code = dev.end()
        return Ran(
            data_dir=data_dir,
            port=port,
            announced=announced,
            stdout=dev.stdout,
            token=token,
            claims=claims,
            started=started,
            threads=threads,
            code=code,
            stderr=dev.stderr,
            left_behind=dev.left_behind(),
            seconds_to_stop=time.monotonic() - began,
        )


@pytest.fixture
def used_dir(first: Ran, home: Path) -> Iterator[Path]:
    """A data directory that has served before."""
    path = Path(tempfile.mkdtemp(dir=home)) / "D"
    subprocess.run(["cp", "-a", first.data_dir, path], check=True)
    yield path
    shutil.rmtree(path.parent)


class Serving(msgspec.Struct, frozen=True):
    """A `dev` that serves, for tests that start and end nothing."""

    data_dir: Path
    announced: dict[str, Any]
    dev: Dev


@pytest.fixture(scope="session")
def serving(first: Ran, home: Path) -> Iterator[Serving]:
    """Start again what has served before, once for each test process."""
    data_dir = home / "serving" / "D"
    data_dir.parent.mkdir()
    subprocess.run(["cp", "-a", first.data_dir, data_dir], check=True)
    with run_dev(data_dir, free_port(), "--json") as dev:
        yield Serving(data_dir, dev.announced(), dev)


@pytest.fixture
def new_dir(home: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir=home)) / "D"
    yield path
    shutil.rmtree(path.parent)
