"""A worker: one process that serves the data plane's application under granian (decision 7).

Run by `workers.py` in a fresh interpreter, so that it has the code and configuration of its start.
"""

import asyncio
import os
import signal
import socket
import sys
from importlib import import_module
from typing import Any, TypeAlias

from granian._futures import _future_watcher_wrapper, _new_cbscheduler
from granian._granian import ASGIWorker, SocketHolder, WorkerSignal
from granian._loops import loops
from granian.asgi import LifespanProtocol, _callback_wrapper
from granian.http import HTTP1Settings

from control_plane.cli.parent_death import end_with_parent
from control_plane.cli.probe import is_ready
from shared.runtime.leaving import REPLACED, STOPPING, Leaving

BACKLOG = 1024  # connections that may wait for a worker
_CONNECTIONS = 4096  # a worker has at a time; the next ones wait in the kernel
_HEAD_PATIENCE = 10_000  # milliseconds a request's head may take to arrive
_HEAD_BUFFER = 32 * 1024  # bytes; the data plane answers for heads of more than half of it
_GLANCE = 0.05  # seconds

Application: TypeAlias = Any  # an ASGI application


class Worker:
    def __init__(self, listener: int, ready: int) -> None:
        """`listener` and `ready` are descriptors: to accept from, and to say so on."""
        self._listener = listener
        self._ready = ready
        self._leaving = Leaving()
        self._stop = WorkerSignal()
        self._asked_to_end = False
        self._ended = asyncio.Event()
        self._loop = loops.get("uvloop")

    def serve(self, module: str, factory: str, *, held: bool) -> int:
        """Serve until SIGTERM; give the exit code. `held`: accept nothing before it is ready.

        The application is named, not imported: the planes do not know each other.
        """
        application = getattr(import_module(module), factory)(self._leaving)
        code: int = self._loop.run_until_complete(self._serve(application, held=held))
        return code

    async def _serve(self, application: Application, *, held: bool) -> int:
        """All of it in one run of the loop: between two runs a signal would be lost."""
        self._hear_signals()
        lifespan = LifespanProtocol(application)
        await lifespan.startup()
        if lifespan.interrupt or lifespan.errored:
            return 1
        if held:
            await self._until_ready(application)
        self._accept(application, lifespan.state)
        os.write(self._ready, b"1")
        await self._ended.wait()
        await lifespan.shutdown()
        return 0

    def _accept(self, application: Application, state: dict[str, Any]) -> None:
        worker = ASGIWorker(
            worker_id=1,
            sock=(None, SocketHolder(self._listener, uds=False, backlog=BACKLOG)),
            ipc=None,
            backpressure=_CONNECTIONS,
            # "auto" waits without end for a silent connection, and forgets the buffer's bound
            http_mode="1",
            http1_opts=HTTP1Settings(
                header_read_timeout=_HEAD_PATIENCE, max_buffer_size=_HEAD_BUFFER
            ),
        )
        answer = _future_watcher_wrapper(_callback_wrapper(application, {}, state))
        scheduler = _new_cbscheduler(self._loop, answer, impl_asyncio=True)
        self._stop.add_cb(lambda: self._loop.call_soon_threadsafe(self._ended.set))
        worker.serve_mtr(scheduler, self._loop, self._stop)

    async def _until_ready(self, application: Application) -> None:
        while not self._leaving.begun and not await is_ready(application):  # noqa: ASYNC110
            await asyncio.sleep(_GLANCE)

    def _hear_signals(self) -> None:
        self._loop.add_signal_handler(STOPPING, self._begin_stopping)
        self._loop.add_signal_handler(REPLACED, self._make_way)
        for each in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(each, self._end)

    def _begin_stopping(self) -> None:
        self._leaving.begun = self._leaving.stopping = True

    def _make_way(self) -> None:
        """Accept no more, and let the clients go one by one as they are answered.

        The listening socket has another's queue of connections, so it must not be shut. In its
        place granian gets one that nobody knows (Linux gives it a name of its own).
        """
        self._leaving.begun = True
        if sys.platform == "linux":
            with socket.socket(socket.AF_UNIX) as unknown:
                unknown.bind("")
                unknown.listen()
                unknown.settimeout(0)  # accepting from it never waits
                os.dup2(unknown.fileno(), self._listener, inheritable=False)

    def _end(self) -> None:
        """End at the first signal; to set granian's again blocks for ever."""
        if not self._asked_to_end:
            self._asked_to_end = self._leaving.begun = True
            self._stop.set()


def main(arguments: list[str]) -> None:
    module, factory, listener, ready, held, parent = arguments
    end_with_parent(signal.SIGKILL)
    if os.getppid() != int(parent):  # it was gone before the kernel knew
        sys.exit(1)
    code = Worker(int(listener), int(ready)).serve(module, factory, held=held == "held")
    os._exit(code)  # all is finished: to take the interpreter apart would only take time


if __name__ == "__main__":
    main(sys.argv[1:])
