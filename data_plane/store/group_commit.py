"""Group commit: the requests in flight, of all tenants, share one transaction.

While one batch is being committed the next gathers. So thousands of writes a second cost tens of
commits, and a lone one costs one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import asyncpg

from data_plane.protocol.errors import TemporarilyUnavailable
from shared.runtime.logs import fields

_MAXIMUM_BATCH = 1_000
_MAXIMUM_WAITING = 5_000  # beyond it the store is too slow, and refusing is quicker

_NOT_RECORDED = "the service cannot record tokens now"
_TOO_FAST = "the service cannot record tokens fast enough"

_log = logging.getLogger("data_plane")

Item = TypeVar("Item")
Result = TypeVar("Result")
Observe: TypeAlias = Callable[[int, float], None]  # records, seconds of their commit
Write: TypeAlias = Callable[[list[Item]], Awaitable[Sequence[Result]]]
Done: TypeAlias = Callable[[Result | TemporarilyUnavailable], None]


class TooFast(TemporarilyUnavailable):
    """More wait than the store will take in time."""


class GroupCommit(Generic[Item, Result]):
    """`write` takes a batch at once and gives a result for each item, in their order."""

    def __init__(self, write: Write[Item, Result], observe: Observe) -> None:
        self._write = write
        self._observe = observe
        self._waiting: list[Item] = []
        self._waits: list[Done[Result]] = []  # one for each item that waits
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Result:
        """Return once the item is committed. Raises TemporarilyUnavailable."""
        committed: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.begin(item, partial(resolve, committed))
        return await committed

    def begin(self, item: Item, done: Done[Result]) -> None:
        """Call `done` with the result or the error, once, when it is known. Raises TooFast."""
        if len(self._waiting) >= _MAXIMUM_WAITING:
            raise TooFast(_TOO_FAST)
        self._waiting.append(item)
        self._waits.append(done)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_until_empty())

    async def drain(self) -> None:
        """Return once nothing waits any more: for the end of the process."""
        if self._writer is not None:
            await self._writer

    async def _write_until_empty(self) -> None:
        try:
            await asyncio.sleep(0)  # let the requests that are ready now join the first batch
            while self._waiting:
                batch, self._waiting = _split(self._waiting)
                waits, self._waits = _split(self._waits)
                await self._commit(batch, waits)
        finally:
            self._writer = None

    async def _commit(self, batch: list[Item], waits: list[Done[Result]]) -> None:
        started = time.monotonic()
        results: Sequence[Result] | None = None
        try:
            results = await self._write(batch)
        except (TemporarilyUnavailable, asyncpg.PostgresError) as error:
            cause = fields(records=len(batch), cause=str(error))
            _log.error("records could not be written", extra=cause)
        finally:
            _settle(waits, results)
        if results is not None:
            self._observe(len(batch), time.monotonic() - started)


Thing = TypeVar("Thing")


def _split(things: list[Thing]) -> tuple[list[Thing], list[Thing]]:
    return things[:_MAXIMUM_BATCH], things[_MAXIMUM_BATCH:]


def _settle(waits: list[Done[Result]], results: Sequence[Result] | None) -> None:
    """Tell every request of the batch: nobody waits for ever, whatever has happened.

    Each in a turn of its own: a mistake of one must not keep the others waiting.
    """
    call_soon = asyncio.get_running_loop().call_soon
    for position, done in enumerate(waits):
        if results is None:
            call_soon(done, TemporarilyUnavailable(_NOT_RECORDED))
        else:
            call_soon(done, results[position])


def resolve(waits: asyncio.Future[Result], result: Result | TemporarilyUnavailable) -> None:
    """Have whoever waits go on, with the result or the error."""
    if waits.done():  # its request has gone; a record stands all the same
        return
    if isinstance(result, TemporarilyUnavailable):
        waits.set_exception(result)
    else:
        waits.set_result(result)
