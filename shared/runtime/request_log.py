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
# how each line begins: a line feed and a brace stand together nowhere within JSON's lines
_BEGINNING = '{"level":"info","event":"request","logger":"data_plane",'
_BEGINNINGS = f"\n{_BEGINNING}".encode()

_log = logging.getLogger("data_plane")
_encode_lines = msgspec.json.Encoder().encode_lines


class RequestLine(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What may be said of a request: nothing that was presented but its method and path."""

    time: str = ""  # set by the log
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
        self._waiting: list[RequestLine] = []
        self._second = 0
        self._time = ""

    def add(self, line: RequestLine) -> None:
        if not self._waiting:
            if not _log.isEnabledFor(logging.INFO):
                return
            asyncio.get_running_loop().call_later(_GATHER, self.flush)
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._time = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line.time = f"{self._time}.{int((now - second) * 1000):03d}Z"
        self._waiting.append(line)

    def flush(self) -> None:
        """Write what waits: at the end of the process, too."""
        lines, self._waiting = self._waiting, []
        if lines:
            self._stream.write(_text_of(lines))
            self._stream.flush()


def _text_of(lines: list[RequestLine]) -> bytes:
    """Encode them at once where nothing has to be escaped beyond what JSON wants (one_line)."""
    try:
        text = b"\n" + _encode_lines(lines)
    except ValueError:  # half a surrogate
        text = b"\x7f"
    if text.isascii() and b"\x7f" not in text:
        return text.replace(b"\n{", _BEGINNINGS)[1:]
    return "".join(f"{_BEGINNING}{one_line(line)[1:]}\n" for line in lines).encode()
