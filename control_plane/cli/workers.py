"""granian's process supervisor, with the six habits that ours needs (decision 7)."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import threading
from typing import Any

from granian import _signals
from granian._granian import WorkerSignal
from granian.server.common import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(by: signal.Signals) -> None:
    """Have the kernel end this process when its parent is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def begin_worker() -> None:
    """Begin a forked worker: stopped by a signal even while it starts, and never an orphan.

    It has a process group of its own: a terminal's Ctrl-C reaches the main process alone, which
    ends its workers in order.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)


def stop_at_first_signal(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """Have the worker stop at the first SIGINT or SIGTERM; setting it again blocks for ever."""
    stop = WorkerSignal()
    heard: list[int] = []

    def hear(number: int) -> None:
        if not heard:
            stop.set()
        heard.append(number)

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, hear, each)
    return stop


class WorkerSupervisor(MPServer):
    def serve_until_stopped(self) -> None:
        _signals.set_loop_signals = stop_at_first_signal
        os.register_at_fork(after_in_child=begin_worker)
        try:
            self.serve()
        finally:
            # Python gives a handler of ours up while it ends; another Ctrl-C would kill it then
            for each in (signal.SIGINT, signal.SIGTERM):
                signal.signal(each, signal.SIG_IGN)

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """Take note of the first signal, and wake the main loop from another thread.

        Setting the event here would wait for ever for a lock that this very thread may hold.
        """
        if not self.interrupt_signal:
            self.interrupt_signal = True
            threading.Thread(target=self.main_loop_interrupt.set).start()

    def _init_shared_socket(self) -> None:
        """Listen once, here: while a worker is replaced, connections wait instead of failing."""
        listener: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd = listener
        self._sfd = listener.get_fd()
        self._ssp = None
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)

    def _respawn_workers(self, workers: list[int], *arguments: Any, **options: Any) -> None:
        """Respawn them; one that was killed is no sign of a broken build, however often.

        A worker that ends by itself again and again still ends the server.
        """
        killed = [index for index in workers if (self.wrks[index].inner.exitcode or 0) < 0]
        super()._respawn_workers(workers, *arguments, **options)
        for index in killed:
            self.respawned_wrks.pop(index, None)
