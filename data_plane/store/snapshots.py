"""Snapshots of issuers, as the control plane published them, with what is revoked of each."""

import msgspec

from data_plane.ports import Published
from data_plane.protocol.revocation import Revocation
from data_plane.store.pool import Connection, Pool
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot

# Both by one statement: a tenant's first request waits for this. The login may read the
# revocations of all tenants, as it must to follow them (decision 1).
_OF_SLUG = """
SELECT s.body, (
  SELECT coalesce(json_agg(json_build_object(
    'kind', r.kind, 'subject', r.subject,
    'not_before', extract(epoch FROM r.not_before)::bigint,
    'expires_at', extract(epoch FROM r.expires_at)::bigint)), '[]')
  FROM ledger.revocation r WHERE r.tenant = s.tenant_id AND r.expires_at > now()) AS revoked
FROM control.issuer_snapshot s WHERE s.slug = $1
"""
_SINCE = """
SELECT tenant_id, slug, version FROM control.issuer_snapshot WHERE changed >= $1::text::xid8
"""
_BODIES = "SELECT body FROM control.issuer_snapshot WHERE tenant_id = ANY($1::text[])"

_decode = msgspec.json.Decoder(IssuerSnapshot).decode
_decode_revoked = msgspec.json.Decoder(list[Revocation]).decode


class StoredSnapshots:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_slug(self, slug: str) -> tuple[IssuerSnapshot, list[Revocation]] | None:
        """Read it, and all of its revocations that can still matter."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_OF_SLUG, slug)
        return None if row is None else (_decode(row["body"]), _decode_revoked(row["revoked"]))


async def published_since(connection: Connection, transaction: str) -> list[Published]:
    """Read what was published by this transaction or a later one."""
    rows = await connection.fetch(_SINCE, transaction)
    return [Published(TenantId(row["tenant_id"]), row["slug"], row["version"]) for row in rows]


async def snapshots_of(connection: Connection, tenants: list[TenantId]) -> list[IssuerSnapshot]:
    return [_decode(row["body"]) for row in await connection.fetch(_BODIES, tenants)]
