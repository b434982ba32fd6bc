"""When requests are sent: as soon as the last is answered, at a fixed rate, or each on a new line.

Closed loop: each connection asks again once it is answered, so the server is never without work.
Open loop: the n-th request is meant for the n-th tick, whatever the server does, and its latency
is counted from then; so a server that stops for a while does not have its stop counted once only
(the "coordinated omission" of closed loops).
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from math import inf

from control_plane.benchmark.connection import Connection
from control_plane.benchmark.ticks import ticking


class Bound:
    """How many requests may still be sent, and for how many seconds; the requests, in turn."""

    def __init__(self, requests: Sequence[bytes], count: int | None, seconds: float | None) -> None:
        self._requests = requests
        self._next = 0
        self._most = count
        self._seconds = inf if seconds is None else seconds
        self.began = 0.0  # when the first was taken, on the clock of time.perf_counter

    @property
    def taken(self) -> int:
        return self._next

    def take(self, now: float) -> bytes | None:
        """Give the next request, or None when it is enough."""
        if not self._next:  # not before: to dial a slow server takes time too
            self.began = now
        if now >= self.began + self._seconds:
            return None
        if self._most is not None and self._next >= self._most:
            return None
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        return request


class ClosedLoop:
    """Keep-alive connections, each with one request in flight."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._open = 0
        self.ended = asyncio.Event()

    def begin(self, connections: list[Connection]) -> None:
        self._open = len(connections)
        for each in connections:
            self.answered(each, time.perf_counter())

    def answered(self, connection: Connection, now: float) -> None:
        request = self._bound.take(now)
        if request is None:
            connection.close()
        else:
            connection.ask(request, now)

    def lost(self, connection: Connection) -> None:
        """A server that closes a connection is not dialled again: the tally shows it."""
        del connection
        self._open -= 1
        if self._open == 0:
            self.ended.set()


class OpenLoop:
    """A fixed rate over connections that wait for their turn."""

    def __init__(self, bound: Bound, rate: float) -> None:
        """`rate`: requests a second."""
        self._bound = bound
        self._every = 1 / rate
        self._idle: list[Connection] = []
        self._due: deque[tuple[bytes, float]] = deque()
        self._begun = 0.0
        self._busy = 0
        self._over = False
        self.ended = asyncio.Event()

    @contextlib.contextmanager
    def ticks(self) -> Iterator[None]:
        with ticking(self._every, self._tick):
            yield

    def begin(self, connections: list[Connection]) -> None:
        self._idle = list(connections)
        self._begun = time.perf_counter()

    def _tick(self) -> None:
        now = time.perf_counter()
        while not self._over:
            intended = self._begun + self._bound.taken * self._every
            if intended > now:
                break
            request = self._bound.take(intended)
            if request is None:
                self._over = True
            else:
                self._due.append((request, intended))
        while self._due and self._idle:
            self._busy += 1
            self._idle.pop().ask(*self._due.popleft())
        self._end_when_done()

    def answered(self, connection: Connection, now: float) -> None:
        del now
        if self._due:
            connection.ask(*self._due.popleft())
            return
        self._busy -= 1
        self._idle.append(connection)
        self._end_when_done()

    def lost(self, connection: Connection) -> None:
        """Go on with the others; requests that nobody is left for are never sent."""
        if connection in self._idle:
            self._idle.remove(connection)
        else:
            self._busy -= 1
        if not self._busy and not self._idle:
            self.ended.set()

    def _end_when_done(self) -> None:
        if self._over and not self._due and not self._busy:
            self.ended.set()


class Once:
    """One request on a connection of its own."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def answered(self, connection: Connection, now: float) -> None:
        del now
        connection.close()

    def lost(self, connection: Connection) -> None:
        del connection
        self.ended.set()
