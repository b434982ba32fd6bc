"""One HTTP/1.1 connection of the load generator: raw bytes out, the least parsing in."""

import asyncio
import time
from typing import Protocol, cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_WITHOUT_BODY = (204, 304)  # RFC 9110 section 6.4.1; we send no HEAD


class Pace(Protocol):
    """What decides when a connection sends."""

    def answered(self, connection: "Connection", now: float) -> None:
        """Take note of an answer, at `now` on the clock of time.perf_counter; ask again or not."""

    def lost(self, connection: "Connection") -> None:
        """Take note of a connection that is closed, by whomever."""


class Tally:
    """What was answered so far."""

    def __init__(self, keep: int = 1) -> None:
        self.keep = keep
        self.latencies: dict[int, list[float]] = {}  # seconds, by status
        self.broken = 0  # requests whose connection ended without an answer
        self.kept: list[bytes] = []  # the first answers, `keep` of them
        self.last = 0.0  # when the last came, on the clock of time.perf_counter


class Connection(asyncio.Protocol):
    def __init__(self, pace: Pace, tally: Tally) -> None:
        self._pace = pace
        self._tally = tally
        self._held = b""
        self._waits = False
        self.since = 0.0  # what the latency is counted from, on the clock of time.perf_counter
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def ask(self, request: bytes, since: float) -> None:
        """Send it; its latency is counted from `since`."""
        self.since = since
        self._waits = True
        if self.transport is not None:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._held + data if self._held else data
        status = status_of(answer)
        if status == 0:
            self._held = answer
            return
        now = time.perf_counter()
        self._held = b""
        self._waits = False
        tally = self._tally
        tally.latencies.setdefault(status, []).append(now - self.since)
        tally.last = now
        if len(tally.kept) < tally.keep:
            tally.kept.append(answer)
        self._pace.answered(self, now)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        if self._waits:
            self._waits = False
            self._tally.broken += 1
        self._pace.lost(self)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


def status_of(answer: bytes) -> int:
    """Give the status of a whole answer, or 0 while some of it is missing.

    One answer at a time: nothing is pipelined. A chunked body ends where its last chunk does.
    """
    head = answer.find(_HEAD_END)
    if head < 0:
        return 0
    status = int(answer[9:12])
    if status in _WITHOUT_BODY:
        return status
    lowered = answer[: head + 2].lower()
    at = lowered.find(_LENGTH)
    if at < 0:
        return status if answer.endswith(_LAST_CHUNK, head) else 0
    start = at + len(_LENGTH)
    length = int(lowered[start : lowered.find(b"\r\n", start)])
    return status if len(answer) >= head + len(_HEAD_END) + length else 0
