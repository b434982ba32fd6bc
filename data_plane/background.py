"""What a worker does beside answering, from its start to its end."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from data_plane.protocol.errors import TemporarilyUnavailable

_log = logging.getLogger("data_plane")

_RETRY = 1.0  # seconds


@asynccontextmanager
async def running(tasks: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run what never ends until the block is left."""
    begun = [asyncio.create_task(each) for each in tasks]
    for task in begun:
        task.add_done_callback(_end_worker)
    try:
        yield
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


async def keep(every: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work every so many seconds, and soon again where the store is down."""
    while True:
        try:
            await work()
            await asyncio.sleep(every)
        except TemporarilyUnavailable:
            await asyncio.sleep(_RETRY)


async def repeat(every: float, work: Callable[[], None]) -> None:
    """Do what needs no waiting every so many seconds."""
    while True:
        await asyncio.sleep(every)
        work()


def _end_worker(task: asyncio.Task[None]) -> None:
    """End a worker that would serve on without hearing of any change; another takes its place."""
    if not task.cancelled():
        _log.critical("a task that never ends has ended", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)
