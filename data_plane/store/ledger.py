"""The ledger: every issuance is committed before its token leaves, by group commit.

When PostgreSQL does not take a batch in time, the batch goes to the local spool, and so do those
behind it until one from the spool is taken in time again. Whether a batch that was given up has
been committed nobody knows; its id decides when it is replayed.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import asyncpg

from data_plane.ports import IssuedToken
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.batch import Batch, gather, month_key, months_of
from data_plane.store.group_commit import Done, GroupCommit, Observe, TooFast, resolve
from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.pool import DOWN, Pool
from data_plane.store.recorder import NEVER_TAKEN, Recorder
from data_plane.store.spool import Spool
from shared.runtime.logs import fields

_PATIENCE = 0.25  # seconds until a batch goes to the spool
_REPLAY_PATIENCE = 5.0  # seconds; nobody waits for it
_RETRY = 0.25  # seconds between two tries while the store is away
_ADOPT_EVERY = 5.0  # seconds between two looks for spools of workers that are gone
_AT_ONCE = 500  # tokens replayed in one transaction
_NOT_TAKEN = (*DOWN, asyncpg.PostgresError)

_log = logging.getLogger("data_plane")


class SpooledLedger:
    def __init__(
        self, url: str, pool: Pool, spool: Spool, counts: StoredIssuedCounts, observe: Observe
    ) -> None:
        self._pool = pool
        self._spool = spool
        self._counts = counts
        self._observe = observe
        self._recorder = Recorder(url, _PATIENCE)
        self._replayer = Recorder(url, _REPLAY_PATIENCE)
        self._commits: GroupCommit[IssuedToken, None] = GroupCommit(self._write, observe)
        self._away = False  # then batches go straight to the spool
        self._replaying = asyncio.Lock()
        self._spooled = asyncio.Event()
        self.opened = asyncio.Event()  # the spool, or it has been said that there is none

    async def record(self, issued: IssuedToken) -> None:
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.begin(issued, partial(resolve, recorded))
        await recorded

    def begin(self, issued: IssuedToken, done: Done[None]) -> None:
        key = month_key(issued)
        self._counts.wait(key)
        try:
            self._commits.begin(issued, done)
        except TooFast:
            self._counts.settle({key: 1})
            raise

    async def drain(self) -> None:
        """Return once nothing waits any more: for the end of the process.

        What is still in the spool then, the next process replays.
        """
        await self._commits.drain()
        with suppress(*_NOT_TAKEN):
            await self._replay_spooled()

    async def close(self) -> None:
        """Let go of the connections and the spool's files, which another worker adopts."""
        self._recorder.close()
        self._replayer.close()
        await self._spool.close()

    async def ensure_partitions(self) -> None:
        """Make the partitions of the days to come, where they are not there yet."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT ledger.ensure_partitions()")

    async def replay(self) -> None:
        """Write to the ledger what is spooled, until cancelled."""
        await self._spool.open()
        self.opened.set()
        while True:
            try:
                await self._spool.adopt()
                await self._replay_spooled()
            except _NOT_TAKEN as error:
                _log.warning("the spool cannot be replayed", extra=fields(cause=str(error)))
                await asyncio.sleep(_RETRY)
            else:
                await self._wait_for_more()

    async def _write(self, tokens: list[IssuedToken]) -> Sequence[None]:
        for batch in gather(tokens):
            try:
                await self._keep(batch)
            except TemporarilyUnavailable:
                self._counts.settle(batch.months())
                raise
        return [None] * len(tokens)

    async def _keep(self, batch: Batch) -> None:
        """Have the batch committed, or else in the spool. Raises TemporarilyUnavailable."""
        if not self._away:
            try:
                totals = await self._recorder.record(batch)
            except NEVER_TAKEN as error:
                raise TemporarilyUnavailable("the ledger does not take these tokens") from error
            except _NOT_TAKEN as error:
                cause = fields(tokens=batch.tokens, cause=str(error) or type(error).__name__)
                _log.warning("the ledger is away, tokens are spooled", extra=cause)
            else:
                self._counts.settle(batch.months())
                self._counts.learn(totals)
                return
        await self._spool.append(batch)
        self._away = True
        self._spooled.set()

    async def _replay_spooled(self) -> None:
        """Replay until nothing is left, the oldest first. Raises one of _NOT_TAKEN."""
        replayed = 0
        async with self._replaying:
            while batches := await self._spool.read(_AT_ONCE):
                started = time.monotonic()
                await self._replay(batches)
                await self._spool.forget()
                self._away = time.monotonic() - started > _PATIENCE
                replayed += sum(each.tokens for each in batches)
        if replayed:
            _log.warning("tokens of the spool are in the ledger", extra=fields(tokens=replayed))

    async def _replay(self, batches: list[Batch]) -> None:
        started = time.monotonic()
        try:
            totals = await self._replayer.record_all(batches)
        except NEVER_TAKEN:
            if len(batches) == 1:
                await self._spool.set_aside(batches[0])
                self._counts.settle(batches[0].months())
                return
            for each in batches:
                await self._replay([each])
            return
        months = months_of(batches)
        self._counts.settle(months)
        self._counts.learn(totals)
        self._observe(sum(months.values()), time.monotonic() - started)

    async def _wait_for_more(self) -> None:
        try:
            async with asyncio.timeout(_ADOPT_EVERY):
                await self._spooled.wait()
        except TimeoutError:
            pass
        self._spooled.clear()
