"""The connections of a worker, from the first to the last."""

import asyncio
import socket
from email.utils import formatdate
from typing import Any

from shared.runtime.asgi_exchange import Exchange
from shared.runtime.http1 import Connection
from shared.runtime.http1_request import Lane, Request
from shared.runtime.leaving import Leaving

BACKLOG = 1024  # connections that may wait for a worker
_MOST = 4096  # connections of a worker; the next ones are told that it is busy
_LOOK_EVERY = 1.0  # seconds
_LAST_WORDS = 0.25  # seconds in which an idle client may still ask, and is told to connect anew


class Http1Server:
    def __init__(self, application: Any, leaving: Leaving) -> None:
        """Serve an ASGI application, and its `lane` where it has one."""
        self._application = application
        self.leaving = leaving
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self._left = asyncio.Event()  # by all connections, once they are to end
        self.lane: Lane | None = getattr(application, "lane", None)
        self.connections: set[Connection] = set()
        self.tick = 0
        self.date = b""
        self._looks: asyncio.TimerHandle | None = None

    async def accept(self, listener: socket.socket) -> None:
        self._look()
        self._listening = await self._loop.create_server(
            lambda: Connection(self), sock=listener, backlog=BACKLOG
        )

    def stop_accepting(self) -> None:
        """Let go of the listening socket; what waits in its queue is for another worker."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def finish(self) -> None:
        """Answer what has begun to come, and return once nobody is connected."""
        self.stop_accepting()
        if self.connections:
            await asyncio.sleep(_LAST_WORDS)  # for what was sent before they could know
        for each in list(self.connections):
            each.end_when_idle()
        if self.connections:
            await self._left.wait()
        if self._looks is not None:
            self._looks.cancel()

    @property
    def full(self) -> bool:
        return len(self.connections) > _MOST

    def exchange(self, request: Request, connection: Connection) -> None:
        exchange = Exchange(request, connection)
        task = self._loop.create_task(exchange.run(self._application))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if self._listening is None and not self.connections:
            self._left.set()

    def _look(self) -> None:
        self.tick = int(self._loop.time())
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        for each in list(self.connections):
            each.look()
        self._looks = self._loop.call_later(_LOOK_EVERY, self._look)
