"""Revocations: written under the tenant's role, followed for all tenants at once."""

import logging
from datetime import UTC, datetime

import asyncpg

from data_plane.ports import RevocationOf
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.protocol.revocation import Revocation, RevocationKind
from data_plane.store.pool import Connection, Pool
from shared.domain.ids import TenantId
from shared.runtime import doorbell
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_ADD = """
INSERT INTO ledger.revocation AS held (tenant, kind, subject, not_before, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, kind, subject) DO UPDATE
SET not_before = greatest(held.not_before, excluded.not_before),
    expires_at = greatest(held.expires_at, excluded.expires_at)
"""
_SINCE = """
SELECT tenant, kind, subject, extract(epoch FROM not_before)::bigint AS not_before,
  extract(epoch FROM expires_at)::bigint AS expires_at
FROM ledger.revocation WHERE changed >= $1::text::xid8 AND expires_at > now()
"""


class StoredRevocations:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, tenant: TenantId, revocation: Revocation) -> None:
        try:
            async with self._pool.tenant(tenant) as connection:
                await connection.execute(
                    _ADD,
                    tenant,
                    revocation.kind,
                    revocation.subject,
                    _time(revocation.not_before),
                    _time(revocation.expires_at),
                )
                await connection.execute(doorbell.RING, doorbell.payload(tenant, "revoked"))
        except asyncpg.PostgresError as error:
            _log.error("a revocation could not be kept", extra=fields(cause=str(error)))
            raise TemporarilyUnavailable("the service cannot revoke now") from error


async def revocations_since(connection: Connection, transaction: str) -> list[RevocationOf]:
    """Read those of every tenant that were written by this transaction or a later one."""
    rows = await connection.fetch(_SINCE, transaction)
    return [RevocationOf(TenantId(row["tenant"]), _revocation(row)) for row in rows]


def _revocation(row: asyncpg.Record) -> Revocation:
    return Revocation(
        kind=RevocationKind(row["kind"]),
        subject=row["subject"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
