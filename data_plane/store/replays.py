"""What has been presented once: spent by one insert, of which exactly one can succeed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from data_plane.protocol.once import Once
from data_plane.store.group_commit import GroupCommit, Observe
from data_plane.store.pool import Connection, Pool
from shared.domain.ids import TenantId

Spend: TypeAlias = tuple[TenantId, Once]

_SPEND = """
INSERT INTO ledger.replay (tenant, digest, expires_at)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::timestamptz[])
ON CONFLICT DO NOTHING
RETURNING tenant, digest
"""
_FORGET = """
DELETE FROM ledger.replay WHERE (tenant, digest) IN (
  SELECT tenant, digest FROM ledger.replay WHERE expires_at < now() LIMIT $1)
"""
_AT_ONCE = 10_000


class StoredReplays:
    """The primary key is the lock: across requests, workers and machines, and after a restart."""

    def __init__(self, pool: Pool, observe: Observe) -> None:
        self._pool = pool
        self._commits: GroupCommit[Spend, bool] = GroupCommit(self._write, observe)

    async def spend(self, tenant: TenantId, once: Once) -> bool:
        """Tell whether this was the first time. Raises TemporarilyUnavailable."""
        return await self._commits.add((tenant, once))

    async def drain(self) -> None:
        await self._commits.drain()

    async def forget_expired(self) -> None:
        """Delete what could not be presented again anyway, some thousands at a time."""
        async with self._pool.connection() as connection:
            while await connection.execute(_FORGET, _AT_ONCE) == f"DELETE {_AT_ONCE}":
                pass

    async def _write(self, batch: list[Spend]) -> Sequence[bool]:
        async with self._pool.connection() as connection:
            return await _spend(connection, batch)


async def _spend(connection: Connection, batch: list[Spend]) -> Sequence[bool]:
    rows = await connection.fetch(
        _SPEND,
        [tenant for tenant, _ in batch],
        [once.digest for _, once in batch],
        [datetime.fromtimestamp(once.expires_at, UTC) for _, once in batch],
    )
    first = {(row["tenant"], row["digest"]) for row in rows}
    results = []
    for tenant, once in batch:
        results.append((tenant, once.digest) in first)
        first.discard((tenant, once.digest))  # of two in one batch, one was first
    return results
