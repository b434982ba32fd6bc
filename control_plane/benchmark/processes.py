"""Servers under test, ours and others': started on a core, waited for, watched, ended."""

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec
import psutil

from control_plane.benchmark.cores import begin_process

_OK = 200
_GLANCE = 0.005  # seconds
_GRACE = 15.0  # seconds
_MEGA = 1_000_000  # bytes


class NotStarted(Exception):
    """A server did not come up; the message says why."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]  # all of it
    port: int
    ready_path: str  # answers 200 once it serves
    directory: Path | None = None
    patience: float = 30.0  # seconds


class Running(msgspec.Struct, frozen=True, kw_only=True):
    process: psutil.Process
    port: int
    seconds_to_ready: float  # from the start of its process to the first 200

    @property
    def tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> dict[int, float]:
        """Give what each of its processes has spent; one that has just ended is left out."""
        spent = {}
        for each in self.tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                spent[each.pid] = sum(each.cpu_times()[:2])
        return spent

    def memory(self) -> float:
        """Give the resident set of its largest process, in MB: of one worker."""
        return max(float(each.memory_info().rss) for each in self.tree) / _MEGA


@contextmanager
def run_program(program: Program, core: int | None) -> Iterator[Running]:
    """Run it until the block is left. errors: NotStarted"""
    with TemporaryFile() as output:
        began = time.perf_counter()
        process = _start(program, core, output)
        try:
            _await_answer(program, process, output)
            yield Running(
                process=psutil.Process(process.pid),
                port=program.port,
                seconds_to_ready=time.perf_counter() - began,
            )
        finally:
            _stop(process)


def _start(program: Program, core: int | None, output: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the harness's own list
            program.arguments,
            env=program.environment,
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: begin_process(core),  # noqa: PLW1509 - no thread runs here
        )
    except OSError as error:
        raise NotStarted(f"{program.name} cannot be started: {error}") from error


def _await_answer(program: Program, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    end = time.monotonic() + program.patience
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NotStarted(f"{program.name} ended while it started: {_last_line(output)}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            if fetch(program.port, program.ready_path)[0] == _OK:
                return
        time.sleep(_GLANCE)
    raise NotStarted(
        f"{program.name} did not answer within {program.patience:.0f} s: {_last_line(output)}"
    )


def fetch(port: int, path: str) -> tuple[int, bytes]:
    """GET a path of this machine; the status and the body. errors: OSError, HTTPException"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    started = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for each in started:  # a launcher may leave what it has launched
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def _last_line(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
