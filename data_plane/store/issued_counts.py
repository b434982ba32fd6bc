"""How many tokens each account was issued this month: what the quota reads.

The total of all workers comes back with every commit; what waits for one is counted here.
"""

import asyncio
import time

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.batch import Months
from data_plane.store.pool import Pool
from data_plane.store.recorder import MONTHS
from shared.domain.bounded import keep

_MAXIMUM_KEPT = 50_000
_RETRY = 1.0  # seconds after a reading that failed

_Key = tuple[str, str]  # account, month


class StoredIssuedCounts:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._committed: Months = {}
        self._waiting: Months = {}
        self._readings: dict[_Key, asyncio.Task[None]] = {}
        self._failed_at = -_RETRY

    def at_hand(self, account: str, month: str) -> int | None:
        key = account, month
        committed = self._committed.get(key)
        return None if committed is None else committed + self._waiting.get(key, 0)

    async def of_month(self, account: str, month: str) -> int:
        key = account, month
        if key not in self._committed and time.monotonic() - self._failed_at > _RETRY:
            await asyncio.shield(self._reading(key))
        return self._committed.get(key, 0) + self._waiting.get(key, 0)

    def wait(self, key: _Key) -> None:
        """Count a token that waits for its commit."""
        self._waiting[key] = self._waiting.get(key, 0) + 1

    def settle(self, tokens: Months) -> None:
        """Take away what waits no more: it is committed, or was refused."""
        for key, count in tokens.items():
            left = self._waiting.get(key, 0) - count
            if left > 0:
                self._waiting[key] = left
            else:  # those of another worker, whose spool was adopted, were not counted here
                self._waiting.pop(key, None)

    def learn(self, totals: Months) -> None:
        """Take the database's totals. They only grow, so of two that come late the larger holds."""
        for key, total in totals.items():
            keep(self._committed, key, max(total, self._committed.get(key, 0)), _MAXIMUM_KEPT)

    def _reading(self, key: _Key) -> asyncio.Task[None]:
        """Read it, once for all who ask meanwhile."""
        if key not in self._readings:
            task = asyncio.create_task(self._read(key))
            self._readings[key] = task
            task.add_done_callback(lambda _: self._readings.pop(key))
        return self._readings[key]

    async def _read(self, key: _Key) -> None:
        try:
            async with self._pool.connection() as connection:
                rows = await connection.fetch(MONTHS, [key[0]], [key[1]])
        except TemporarilyUnavailable:
            self._failed_at = time.monotonic()
        else:
            self.learn({key: rows[0][2] if rows else 0})
