"""One line for each request, as the other logs are, written some at a time.

A request is answered before its line is written: lines gather for a few milliseconds and go out
together, so that a line costs a request no call of the system. What a killed worker had not written
yet is lost; what must not be lost is in the ledger.
"""

import asyncio
import logging
import sys
import time
from typing import BinaryIO

import msgspec

from shared.runtime.logs import one_line

_GATHER = 0.02  # seconds

_log = logging.getLogger("data_plane")


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What may be said of a request: nothing that was presented but its method and path."""

    request_id: str
    endpoint: str
    method: str
    status: int
    ms: float
    slug: str = ""
    client_id: str = ""  # of a client that has proved itself
    trace_id: str = ""  # of its W3C traceparent
    error: str = ""


class RequestLog:
    """One for each worker; the lines of level INFO."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stderr.buffer
        self._waiting: list[str] = []
        self._second = 0
        self._time = ""

    def add(self, line: RequestLine) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(_GATHER, self.flush)
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._time = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        milliseconds = int(now % 1 * 1000)
        self._waiting.append(
            f'{{"time":"{self._time}.{milliseconds:03d}Z","level":"info","event":"request",'
            f'"logger":"data_plane",{one_line(line)[1:]}\n'
        )

    def flush(self) -> None:
        """Write what waits: at the end of the process, too."""
        lines, self._waiting = self._waiting, []
        self._stream.write("".join(lines).encode())
        self._stream.flush()
