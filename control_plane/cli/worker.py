"""A worker: one process that serves a plane's application (decision 7).

Run by `workers.py` in a fresh interpreter, so that it has the code and configuration of its start.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from importlib import import_module
from typing import Any, NoReturn, TypeAlias

import uvloop

from control_plane.cli.lifespan import Lifespan
from control_plane.cli.parent_death import end_with_parent
from control_plane.cli.probe import is_ready
from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import REPLACED, STOPPING, Leaving

_GLANCE = 0.05  # seconds
_COLLECT_AFTER = 20_000  # objects more than were let go

Application: TypeAlias = Any  # an ASGI application


class Worker:
    def __init__(self, listener: socket.socket, ready: int) -> None:
        """`listener` is accepted from; `ready` is a descriptor, to say so on."""
        self._listener = listener
        self._ready = ready
        self._leaving = Leaving()
        self._end_asked = asyncio.Event()
        self._server: Http1Server | None = None

    async def serve(self, module: str, factory: str, *, held: bool) -> int:
        """Serve until SIGTERM; give the exit code. `held`: accept nothing before it is ready.

        The application is named, not imported: the planes do not know each other.
        """
        self._hear_signals(asyncio.get_running_loop())
        application = getattr(import_module(module), factory)(self._leaving)
        lifespan = Lifespan(application)
        if not await lifespan.begins():
            return 1
        if held:
            await self._until_ready(application)
        self._server = Http1Server(application, self._leaving)
        await self._server.accept(self._listener)
        _collect_from_now_on()
        os.write(self._ready, b"1")
        await self._end_asked.wait()
        await self._server.finish()
        await lifespan.end()
        return 0

    async def _until_ready(self, application: Application) -> None:
        while not self._leaving.begun and not await is_ready(application):  # noqa: ASYNC110
            await asyncio.sleep(_GLANCE)

    def _hear_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(STOPPING, self._begin_stopping)
        loop.add_signal_handler(REPLACED, self._make_way)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self._end)

    def _begin_stopping(self) -> None:
        self._leaving.begun = self._leaving.stopping = True

    def _make_way(self) -> None:
        """Accept no more, and let the clients go one by one as they are answered."""
        self._leaving.begun = True
        if self._server is not None:
            self._server.stop_accepting()

    def _end(self) -> None:
        self._leaving.begun = True
        self._end_asked.set()


def _collect_from_now_on() -> None:
    """Leave what is there from the start out of every collection, and collect less often.

    What imports leave behind stays too: to look for it takes longer than anything it would free
    is worth. A request makes some twenty objects that live until the next commit, and no cycles:
    by default Python looks for cycles every thirty requests.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    gc.enable()


def main(arguments: list[str]) -> None:
    module, factory, listener, ready, held, parent = arguments
    end_with_parent(signal.SIGKILL)
    if os.getppid() != int(parent):  # it was gone before the kernel knew
        sys.exit(1)
    run_worker(
        socket.socket(fileno=int(listener)), int(ready), module, factory, held=held == "held"
    )


def run_worker(
    listener: socket.socket, ready: int, module: str, factory: str, *, held: bool
) -> NoReturn:
    """Be a worker until it is ended; the arguments are those of Worker and its `serve`."""
    gc.disable()  # while it starts: all that is imported stays, and is looked through many times
    code = uvloop.run(Worker(listener, ready).serve(module, factory, held=held))
    os._exit(code)  # all is finished: to take the interpreter apart would only take time


if __name__ == "__main__":
    main(sys.argv[1:])
