"""A clock that ticks many times a second: the loops' own timers know no less than a millisecond."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MONOTONIC = 1  # clock_gettime(2)
_SECOND = 1_000_000_000  # nanoseconds


@contextmanager
def ticking(every: float, on_tick: Callable[[], None]) -> Iterator[None]:
    """Call `on_tick` every so many seconds, until the block is left.

    Ticks that come while the loop is busy are one call: `on_tick` looks at the time itself.
    """
    if sys.platform == "linux":
        with _timer(every) as descriptor:

            def heard() -> None:
                os.read(descriptor, 8)
                on_tick()

            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, heard)
            try:
                yield
            finally:
                loop.remove_reader(descriptor)
    else:
        with _coarse(every, on_tick):
            yield


@contextmanager
def _timer(every: float) -> Iterator[int]:
    """Make a timerfd(2), for which Python 3.11 has no name yet."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "there is no timer")
    try:
        seconds, nanoseconds = divmod(max(1, int(every * _SECOND)), _SECOND)
        # struct itimerspec: the interval, then the time until the first tick
        setting = (ctypes.c_long * 4)(seconds, nanoseconds, seconds, nanoseconds)
        if library.timerfd_settime(descriptor, 0, setting, None) != 0:
            raise OSError(ctypes.get_errno(), "the timer cannot be set")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _coarse(every: float, on_tick: Callable[[], None]) -> Iterator[None]:
    """Tick by the loop's timer, elsewhere: late by up to a millisecond, which counts as latency."""
    loop = asyncio.get_running_loop()
    handle: list[asyncio.TimerHandle] = []

    def tick() -> None:
        handle[:] = [loop.call_later(every, tick)]
        on_tick()

    tick()
    try:
        yield
    finally:
        handle[0].cancel()
