"""`auth-service dev` as a real process, and everything that it starts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import jwt
import msgspec
import psutil
import pytest

from shared.runtime.config import FIELDS
from tests.conftest import free_port

PROGRAM = Path(sys.executable).with_name("auth-service")
PATIENCE = 60.0  # seconds
MAY_TAKE_TO_STOP = 60.0  # seconds; operations.md promises 10, of a machine that is not busy
_SKEW = 2.0  # seconds; the kernel counts from a boot whose time is rounded
_MARK = "AUTH_SERVICE_TEST_MARK"


class Dev:
    """One start. What it starts is found by a mark in its environment, or as a child once seen."""

    def __init__(
        self, arguments: list[str], variables: dict[str, str], stdout: IO[bytes], stderr: IO[bytes]
    ) -> None:
        self.began = time.time()
        self.arguments = arguments
        self._mark = token_hex(16)
        self._seen: set[psutil.Process] = set()
        self._stdout, self._stderr = stdout, stderr
        taken = {*FIELDS, *(f"{name}_FILE" for name in FIELDS), "AUTH_SERVICE_DATA_DIR"}
        environment = {name: each for name, each in os.environ.items() if name not in taken}
        self.process = subprocess.Popen(
            [PROGRAM, "dev", *arguments],
            env=environment | {_MARK: self._mark} | variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # so that Ctrl-C can be sent as a terminal sends it
            umask=0,  # the most careless there is
        )

    @property
    def stdout(self) -> str:
        return os.pread(self._stdout.fileno(), 100_000, 0).decode()

    @property
    def stderr(self) -> str:
        return os.pread(self._stderr.fileno(), 100_000, 0).decode()

    def running(self) -> list[psutil.Process]:
        """Give its processes, itself included; PostgreSQL's inherit no mark."""
        young = [each for each in psutil.process_iter() if each.create_time() > self.began - _SKEW]
        for each in sorted(young, key=lambda each: each.create_time()):  # a parent, then its child
            if self._is_marked(each) or self._is_child_of_seen(each):
                self._seen.add(each)
        return [each for each in self._seen if _runs(each)]

    def _is_child_of_seen(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return process.ppid() in {each.pid for each in self._seen}
        return False

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(_MARK) == self._mark
        except (psutil.Error, OSError):  # gone, a zombie, or another user's
            return False

    def shown(self, ending: str) -> str:
        """Wait until it has printed this at the end of a line; give all that it has printed."""
        until(lambda: f"{ending}\n" in self.stdout or self.process.poll() is not None)
        assert self.process.poll() is None, self.stderr
        return self.stdout

    def announced(self) -> dict[str, Any]:
        """Give the line of --json, printed once it serves."""
        line: dict[str, Any] = json.loads(self.shown(""))
        return line

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends it to the whole group."""
        self.running()
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait for its end; give its exit code."""
        return self.process.wait(MAY_TAKE_TO_STOP)

    def left_behind(self) -> list[str]:
        """Give the processes of it that still run; they get a moment to be reaped."""
        with contextlib.suppress(AssertionError):
            until(lambda: not self.running())
        return [" ".join(each.cmdline()) for each in self.running()]

    def clean_up(self) -> None:
        """End whatever still runs; by -9, PostgreSQL would leave shared memory behind."""
        for number in (signal.SIGINT, signal.SIGKILL):
            for each in self.running():
                with contextlib.suppress(psutil.Error):
                    each.send_signal(number)
            with contextlib.suppress(AssertionError):
                until(lambda: self.process.poll() is not None and not self.running(), 5)
                return


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def run_dev(data_dir: Path, port: int, *options: str, **variables: str) -> Iterator[Dev]:
    arguments = ["--data-dir", str(data_dir), "--port", str(port), *options]
    for option in ("--console-port", "--support-port"):
        if option not in options:  # or tests at the same time would want the same
            arguments += [option, str(free_port())]
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        dev = Dev(arguments, variables, stdout, stderr)
        try:
            yield dev
        finally:
            dev.clean_up()


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)  # to ask may take a look at every process there is


def server_of(data_dir: Path) -> psutil.Process:
    """Give the embedded PostgreSQL's process."""
    file = data_dir / "postgres/cluster/postmaster.pid"
    return psutil.Process(int(file.read_text().splitlines()[0]))


def fetch_token(announced: dict[str, Any]) -> str:
    answer = httpx.post(
        announced["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(announced["client_id"], announced["client_secret"]),
        timeout=PATIENCE,
    )
    if answer.status_code != httpx.codes.OK:
        pytest.fail(answer.text)
    return str(answer.json()["access_token"])


def verify(token: str, announced: dict[str, Any]) -> dict[str, Any]:
    """Verify it as any resource server would: PyJWT, and what `dev` has printed."""
    key = jwt.PyJWKClient(announced["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=announced["audience"],
        issuer=announced["issuer"],
    )
    return claims


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A first start from nothing, ended by Ctrl-C."""

    data_dir: Path
    port: int
    announced: dict[str, Any]
    stdout: str
    token: str
    claims: dict[str, Any]
    started: list[str]
    threads: int  # of the process that forks the others
    code: int
    stderr: str
    left_behind: list[str]
    seconds_to_stop: float


def data_plane_of(dev: Dev) -> list[psutil.Process]:
    return _listening(dev, "--port")


def console_of(dev: Dev) -> list[psutil.Process]:
    return _listening(dev, "--console-port")


def _listening(dev: Dev, option: str) -> list[psutil.Process]:
    """Give the processes that listen on the port of the option."""
    port = int(dev.arguments[dev.arguments.index(option) + 1])
    return [each for each in dev.running() if port in _ports_of(each)]


def _ports_of(process: psutil.Process) -> set[int]:
    try:
        held = process.net_connections("tcp")
    except psutil.Error:
        return set()
    return {each.laddr.port for each in held if each.status == psutil.CONN_LISTEN}
