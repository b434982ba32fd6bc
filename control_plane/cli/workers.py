"""The main process: it listens, and keeps as many workers as it was asked for (decision 7)."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from control_plane.cli.steering import steer
from control_plane.cli.worker_process import WorkerProcess, start_worker
from shared.runtime.config import ConfigError
from shared.runtime.leaving import REPLACED, STOPPING
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_CRASHES_WITHIN = 5.5  # seconds from one end of a worker that ended by itself to the next
_PAUSE = 1.0  # seconds before a worker that does so again is started anew
_PATIENCE = 30.0  # seconds a new worker may take until it is ready
_FAREWELL = 1.0  # seconds in which the clients of a replaced worker are told to connect anew
_DRAIN = 20.0  # seconds a worker may take to finish what it has begun

Environment = Mapping[str, str]


class WorkerSupervisor:
    def __init__(
        self,
        application: str,
        listeners: Sequence[socket.socket],
        read: Callable[[], Environment],
        forget: Callable[[int], None],
    ) -> None:
        """Keep a worker for each listener, serving the application MODULE:FACTORY.

        `read` gives a worker's environment or raises ConfigError; `forget` takes the pid of one
        that has ended.
        """
        self._application = application
        self._listeners = listeners
        self._read = read
        self._forget = forget
        self._environment = read()
        self._workers: dict[int, WorkerProcess] = {}  # by their listener's position
        self._crashed_at: dict[int, float] = {}
        self._watched: dict[WorkerProcess, asyncio.Task[None]] = {}  # all that run
        self._starting = asyncio.Lock()  # held while a process is made that is not watched yet
        self._stop_asked = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._code = 0

    def serve_until_stopped(self, drain_delay: float) -> int:
        """Serve until SIGINT or SIGTERM, and on for so many seconds; give the exit code."""
        try:
            asyncio.run(self._serve(drain_delay))
        finally:
            # Python gives a handler of ours up while it ends; another Ctrl-C would kill it then
            for each in (signal.SIGINT, signal.SIGTERM):
                signal.signal(each, signal.SIG_IGN)
        return self._code

    async def _serve(self, drain_delay: float) -> None:
        self._hear_signals(asyncio.get_running_loop())
        for position in range(len(self._listeners)):
            self._workers[position] = await self._start(position, held=False)
        reloads = asyncio.create_task(self._reload_when_asked())
        await self._stop_asked.wait()
        reloads.cancel()
        await asyncio.wait([reloads])
        await self._stop(drain_delay)

    def _hear_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take note of a signal where it strikes, and act on it in the loop."""

        def hear(number: int, _: object) -> None:
            asked = self._reload_asked if number == signal.SIGHUP else self._stop_asked
            if not self._stop_asked.is_set():  # or the loop may be gone
                loop.call_soon_threadsafe(asked.set)

        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, hear)

    async def _start(self, position: int, *, held: bool) -> WorkerProcess:
        """Start a worker and watch it, even where who wants it is cancelled meanwhile."""
        return await asyncio.shield(self._start_watched(position, held=held))

    async def _start_watched(self, position: int, *, held: bool) -> WorkerProcess:
        async with self._starting:
            worker = await start_worker(
                self._application, self._listeners[position], self._environment, held=held
            )
            self._watched[worker] = asyncio.create_task(self._watch(position, worker))
        if self._stop_asked.is_set():  # while it was being started
            worker.send(signal.SIGTERM)
        return worker

    async def _watch(self, position: int, worker: WorkerProcess) -> None:
        if await worker.gets_ready():
            self._steer()
        code = await worker.ended()
        self._steer()
        self._forget(worker.pid)
        if self._is_missed(position, worker):
            _log.error("a worker has ended", extra=fields(pid=worker.pid, code=code))
            if code >= 0:
                await self._bear_crash(position)
        if self._is_missed(position, worker):
            await self._restart(position)
        del self._watched[worker]

    async def _restart(self, position: int) -> None:
        while not self._stop_asked.is_set():
            try:
                self._workers[position] = await self._start(position, held=False)
            except OSError as error:  # no process or no memory to be had, for now
                _log.error("a worker cannot be started", extra=fields(cause=str(error)))
                await asyncio.sleep(_PAUSE)
            else:
                return

    def _steer(self) -> None:
        """Send connections where a worker is; they would wait in the others' queues."""
        serving = [each for each in sorted(self._workers) if self._workers[each].serves]
        steer(self._listeners, serving)

    def _is_missed(self, position: int, worker: WorkerProcess) -> bool:
        return self._workers[position] is worker and not self._stop_asked.is_set()

    async def _bear_crash(self, position: int) -> None:
        """Wait a little where a worker ends by itself again and again: a broken build.

        The server ends then, unless another worker serves on. One that was killed is no such sign,
        however often.
        """
        now = time.monotonic()
        again = now - self._crashed_at.get(position, -_CRASHES_WITHIN) < _CRASHES_WITHIN
        self._crashed_at[position] = now
        if again and any(each.serves for each in self._workers.values()):
            await asyncio.sleep(_PAUSE)
        elif again:
            _log.critical("no worker stays: the server ends")
            self._code = 1
            self._stop_asked.set()

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            held = self._environment
            try:
                self._environment = self._read()
                await self._reload()
            except (ConfigError, OSError) as error:  # TimeoutError is one of these
                self._environment = held
                _log.error(
                    "reload refused: the old workers serve on", extra=fields(cause=str(error))
                )

    async def _reload(self) -> None:
        """Replace one worker after the other by one that is ready, or raise TimeoutError."""
        for position in range(len(self._listeners)):
            newcomer = await self._start(position, held=True)
            if not await newcomer.gets_ready(_PATIENCE):
                newcomer.send(signal.SIGKILL)
                raise TimeoutError("the new worker does not get ready")
            replaced, self._workers[position] = self._workers[position], newcomer
            replaced.send(REPLACED)
            if not await replaced.ends_within(_FAREWELL):
                await _end(replaced)

    async def _stop(self, drain_delay: float) -> None:
        """Tell balancers by /readyz, serve on while they hear of it, and then end."""
        async with self._starting:
            workers = list(self._watched)
        for worker in workers:
            worker.send(STOPPING)
        await asyncio.gather(*(worker.ends_within(drain_delay) for worker in workers))
        for listener in self._listeners:  # or clients would go on waiting for a worker
            listener.close()
        await asyncio.gather(*(_end(worker) for worker in workers))
        while self._watched:
            await asyncio.wait(self._watched.values())


async def _end(worker: WorkerProcess) -> None:
    worker.send(signal.SIGTERM)
    if not await worker.ends_within(_DRAIN):
        _log.error("a worker was killed: it did not finish in time", extra=fields(pid=worker.pid))
        worker.send(signal.SIGKILL)
