"""The ledger: every issuance is committed before its token leaves, by group commit."""

from collections.abc import Sequence
from uuid import UUID

from data_plane.ports import IssuedToken
from data_plane.store.group_commit import GroupCommit, Observe
from data_plane.store.pool import Connection, Pool

_RECORD = """
INSERT INTO ledger.issued (jti, lifetime, tenant, client_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[])
"""


class GroupCommitLedger:
    def __init__(self, pool: Pool, observe: Observe) -> None:
        self._pool = pool
        self._commits: GroupCommit[IssuedToken, None] = GroupCommit(pool, _insert, observe)

    async def record(self, issued: IssuedToken) -> None:
        await self._commits.add(issued)

    async def drain(self) -> None:
        """Return once nothing waits any more: for the end of the process."""
        await self._commits.drain()

    async def ensure_partitions(self) -> None:
        """Make the partitions of the days to come, where they are not there yet."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT ledger.ensure_partitions()")


async def _insert(connection: Connection, batch: list[IssuedToken]) -> Sequence[None]:
    await connection.execute(
        _RECORD,
        [UUID(bytes=each.jti) for each in batch],
        [each.lifetime for each in batch],
        [each.tenant for each in batch],
        [each.client_id for each in batch],
    )
    return [None] * len(batch)
