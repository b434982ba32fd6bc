"""The shares of a month's tokens that accounts have used: each is recorded once."""

import asyncpg

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool

_REACH = """
INSERT INTO ledger.quota_threshold (account, month, percent)
SELECT $1, $2, unnest($3::int[])
ON CONFLICT DO NOTHING RETURNING percent
"""


class StoredThresholds:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reach(self, account: str, month: str, percents: tuple[int, ...]) -> tuple[int, ...]:
        """Record them; give those that no worker had recorded before."""
        try:
            async with self._pool.connection() as connection:
                rows = await connection.fetch(_REACH, account, month, list(percents))
        except asyncpg.PostgresError as error:
            raise TemporarilyUnavailable("what was used cannot be recorded") from error
        return tuple(sorted(row["percent"] for row in rows))
