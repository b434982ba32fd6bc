"""Ctrl-C and SIGTERM, heard at once and obeyed where it is safe.

An exception out of a signal handler can strike anywhere, in the middle of a cleaning-up or inside a
greenlet, where it has crashed the interpreter. So the handler only takes a note.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

ENDING = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C, and what a supervisor sends

Result = TypeVar("Result")


class Ended(Exception):
    """Somebody has asked us to end."""


class Ending:
    """Used as a context: when it is left, the command is over, and signals change nothing more.

    Python gives a handler of ours up while it ends; another Ctrl-C would kill it then.
    """

    def __init__(self) -> None:
        self._asked = False
        self._cancel: Callable[[], object] | None = None
        for each in ENDING:
            signal.signal(each, self._hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)

    def check(self) -> None:
        """Raise Ended once somebody has asked."""
        if self._asked:
            raise Ended

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run the work, which is cancelled when somebody asks us to end."""

        async def cancellable() -> Result:
            loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            if self._asked:
                task.cancel()
            try:
                return await task
            finally:
                self._cancel = None

        try:
            return asyncio.run(cancellable())
        except asyncio.CancelledError:
            raise Ended from None

    def _hear(self, *_: object) -> None:
        self._asked = True
        if self._cancel is not None:
            self._cancel()
