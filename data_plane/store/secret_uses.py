"""When and from where each client secret was last used: gathered, and written every few seconds."""

import asyncio
from datetime import UTC, datetime
from itertools import islice
from typing import TypeAlias

import asyncpg

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from shared.domain.bounded import keep
from shared.domain.ids import TenantId
from shared.domain.outbound_url import Address

_NOT_SOONER = 60  # seconds between two notes of one secret
_MAXIMUM_KEPT = 50_000
_MAXIMUM_BATCH = 1_000  # the loop does nothing else while one is put together: some 3 ms

_NOTE = """
INSERT INTO ledger.secret_use AS held (tenant, digest, used_at, address)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::text[])
ON CONFLICT (tenant, digest) DO UPDATE
SET used_at = excluded.used_at, address = excluded.address
WHERE held.used_at < excluded.used_at
"""

_Secret: TypeAlias = tuple[TenantId, bytes]


class StoredSecretUses:
    """Nothing waits for it, and what a killed worker had not written yet is lost."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted_at: dict[_Secret, int] = {}
        self._pending: dict[_Secret, tuple[int, str]] = {}
        self._writing = asyncio.Lock()

    def note(self, tenant: TenantId, digest: bytes, address: Address, now: int) -> None:
        secret = tenant, digest
        if now - self._noted_at.get(secret, 0) >= _NOT_SOONER:
            keep(self._noted_at, secret, now, _MAXIMUM_KEPT)
            keep(self._pending, secret, (now, str(address)), _MAXIMUM_KEPT)

    async def flush(self) -> None:
        """Write what was noted. Raises TemporarilyUnavailable, and keeps what it could not."""
        async with self._writing:
            while self._pending:
                # sorted: workers that write the same rows take their locks in the same order
                batch = dict(sorted(islice(self._pending.items(), _MAXIMUM_BATCH)))
                await self._write(batch)
                for secret, used in batch.items():
                    if self._pending.get(secret) == used:
                        del self._pending[secret]

    async def _write(self, batch: dict[_Secret, tuple[int, str]]) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(
                    _NOTE,
                    [tenant for tenant, _ in batch],
                    [digest for _, digest in batch],
                    [datetime.fromtimestamp(used_at, UTC) for used_at, _ in batch.values()],
                    [address for _, address in batch.values()],
                )
        except asyncpg.PostgresError as error:
            raise TemporarilyUnavailable("the uses of secrets cannot be written") from error
