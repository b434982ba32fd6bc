"""The ledger: every issuance is committed before its token leaves, by group commit.

The requests in flight, of all tenants, share one transaction: while one batch is being committed
the next gathers. So thousands of tokens a second cost tens of commits, and a lone token one.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from uuid import UUID

import asyncpg

from data_plane.ports import IssuedToken
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Connection, Pool
from shared.runtime.logs import fields

_MAXIMUM_BATCH = 1_000
_MAXIMUM_WAITING = 5_000  # beyond it the store is too slow, and refusing is quicker

_RECORD = """
INSERT INTO ledger.issued (jti, lifetime, tenant, client_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[])
"""

_NOT_RECORDED = "the service cannot record tokens now"
_TOO_FAST = "the service cannot record tokens fast enough"

_log = logging.getLogger("data_plane")

Observe = Callable[[int, float], None]  # records, seconds of their commit


class GroupCommitLedger:
    def __init__(self, pool: Pool, observe: Observe) -> None:
        self._pool = pool
        self._observe = observe
        self._waiting: list[tuple[IssuedToken, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, issued: IssuedToken) -> None:
        if len(self._waiting) >= _MAXIMUM_WAITING:
            raise TemporarilyUnavailable(_TOO_FAST)
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((issued, committed))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_until_empty())
        await committed

    async def drain(self) -> None:
        """Return once nothing waits any more: for the end of the process."""
        if self._writer is not None:
            await self._writer

    async def ensure_partitions(self) -> None:
        """Make the partitions of the days to come, where they are not there yet."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT ledger.ensure_partitions()")

    async def _write_until_empty(self) -> None:
        await asyncio.sleep(0)  # let the requests that are ready now join the first batch
        while self._waiting:
            batch = self._waiting[:_MAXIMUM_BATCH]
            del self._waiting[:_MAXIMUM_BATCH]
            await self._write(batch)

    async def _write(self, batch: list[tuple[IssuedToken, asyncio.Future[None]]]) -> None:
        started = time.monotonic()
        committed = False
        try:
            async with self._pool.connection() as connection:
                await _insert(connection, [issued for issued, _ in batch])
            committed = True
        except (TemporarilyUnavailable, asyncpg.PostgresError) as error:
            cause = fields(tokens=len(batch), cause=str(error))
            _log.error("tokens could not be recorded", extra=cause)
        finally:
            _settle(batch, committed=committed)
        if committed:
            self._observe(len(batch), time.monotonic() - started)


def _settle(batch: list[tuple[IssuedToken, asyncio.Future[None]]], *, committed: bool) -> None:
    """Tell every request of the batch: nobody waits for ever, whatever has happened."""
    for _, waits in batch:
        if waits.done():  # its request has gone; a record stands all the same
            continue
        if committed:
            waits.set_result(None)
        else:
            waits.set_exception(TemporarilyUnavailable(_NOT_RECORDED))


async def _insert(connection: Connection, batch: list[IssuedToken]) -> None:
    await connection.execute(
        _RECORD,
        [UUID(each.jti) for each in batch],
        [each.lifetime for each in batch],
        [each.tenant for each in batch],
        [each.client_id for each in batch],
    )
