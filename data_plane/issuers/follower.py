"""Following what is published: on the doorbell, and every second in case it was not heard."""

import asyncio
import logging
import time
from collections.abc import Callable

from data_plane.issuers.directory import IssuerDirectory
from data_plane.ports import Clock, Feed
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_POLL = 1.0  # seconds
_GATHER = 0.01  # seconds; rings that come closer together are answered by one look
_RETRY = 0.25  # seconds
_LATE = 3.0  # seconds without a look, then the database is said to be missing
_RECENT = 60.0  # seconds that tokens go on without a look
_FORGET_EVERY = 30.0  # seconds


class Follower:
    """One for each worker. Runs until it is cancelled."""

    def __init__(
        self,
        directory: IssuerDirectory,
        feed: Feed,
        clock: Clock,
        observe: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._directory = directory
        self._feed = feed
        self._clock = clock
        self._observe = observe
        self._rung = asyncio.Event()
        self._started = False
        self._looked_at = self._monotonic()  # at the latest then
        self._forgot_at = 0.0

    def started(self) -> bool:
        return self._started

    def check_recent(self) -> None:
        """Raise TemporarilyUnavailable where a change of a minute ago may not be known here."""
        if self._monotonic() - self._looked_at > _RECENT:
            raise TemporarilyUnavailable("what is known of this client may be out of date")

    def missing(self) -> list[str]:
        late = self._monotonic() - self._looked_at > _LATE
        return ["database"] if late or not self._started else []

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except TemporarilyUnavailable as error:
                cause = fields(cause=str(error.__cause__ or error))
                _log.warning("the database cannot be followed; trying again", extra=cause)
            finally:
                await self._feed.close()
            await asyncio.sleep(_RETRY)

    async def _follow(self) -> None:
        await self._feed.open(self._rung.set)
        while True:
            self._rung.clear()
            await self._look()
            try:
                async with asyncio.timeout(_POLL):
                    await self._rung.wait()
                await asyncio.sleep(_GATHER)
            except TimeoutError:
                pass

    async def _look(self) -> None:
        behind = self._directory.hear(await self._feed.news())
        if behind:
            for snapshot in await self._feed.snapshots(behind):
                self._directory.replace(snapshot)
        self._started, self._looked_at = True, self._monotonic()
        self._observe()
        if self._looked_at - self._forgot_at > _FORGET_EVERY:
            self._forgot_at = self._looked_at
            self._directory.forget_expired(self._clock())
