"""A worker as the main process sees it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MODULE = "control_plane.cli.worker"
_TREE = str(Path(__file__).parents[2])  # where a worker's code lies: where ours does


class WorkerProcess:
    def __init__(self, process: asyncio.subprocess.Process, said: asyncio.StreamReader) -> None:
        self._process = process
        self._ready = asyncio.create_task(_is_ready(said))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def serves(self) -> bool:
        """It has said that it accepts connections, and runs still."""
        running = self._process.returncode is None
        return running and self._ready.done() and self._ready.result()

    async def gets_ready(self, patience: float | None = None) -> bool:
        """Wait, so many seconds at most, until it accepts connections; False where it does not."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), patience)
        except TimeoutError:
            return False

    async def ended(self) -> int:
        """Wait for its end; give its exit code, or minus the signal that has ended it."""
        return await self._process.wait()

    async def ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.ended(), seconds)
        except TimeoutError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


async def start_worker(
    application: str, listener: socket.socket, environment: Mapping[str, str], *, held: bool
) -> WorkerProcess:
    """Start a fresh interpreter: a forked one would have our modules, as old as we are.

    It has a process group of its own: a terminal's Ctrl-C reaches the main process alone, which
    ends its workers in order. `held`: it accepts nothing before its application is ready.
    """
    heard, ready = os.pipe()
    arguments = (
        *application.split(":"),
        str(listener.fileno()),
        str(ready),
        "held" if held else "at once",
        str(os.getpid()),
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", _MODULE, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            env=_finding_our_code(environment),
            pass_fds=(listener.fileno(), ready),
            process_group=0,
        )
    finally:
        os.close(ready)  # the worker's end alone is left, so that its death can be read
    return WorkerProcess(process, await _read_end(heard))


def _finding_our_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Have the worker import from our tree: the working directory (-P) is not searched."""
    path = [_TREE, environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, path))}


async def _read_end(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    pipe = os.fdopen(descriptor, "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    return reader


async def _is_ready(said: asyncio.StreamReader) -> bool:
    return await said.read(1) != b""  # the end of the file, where the worker has ended instead
