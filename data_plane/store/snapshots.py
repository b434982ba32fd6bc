"""Snapshots of issuers, as the control plane published them."""

import msgspec

from data_plane.ports import Published
from data_plane.store.pool import Connection, Pool
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot

_OF_SLUG = "SELECT body FROM control.issuer_snapshot WHERE slug = $1"
_SINCE = """
SELECT tenant_id, slug, version FROM control.issuer_snapshot WHERE changed >= $1::text::xid8
"""
_BODIES = "SELECT body FROM control.issuer_snapshot WHERE tenant_id = ANY($1::text[])"

_decode = msgspec.json.Decoder(IssuerSnapshot).decode


class StoredSnapshots:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_slug(self, slug: str) -> IssuerSnapshot | None:
        async with self._pool.connection() as connection:
            body = await connection.fetchval(_OF_SLUG, slug)
        return None if body is None else _decode(body)


async def published_since(connection: Connection, transaction: str) -> list[Published]:
    """Read what was published by this transaction or a later one."""
    rows = await connection.fetch(_SINCE, transaction)
    return [Published(TenantId(row["tenant_id"]), row["slug"], row["version"]) for row in rows]


async def snapshots_of(connection: Connection, tenants: list[TenantId]) -> list[IssuerSnapshot]:
    return [_decode(row["body"]) for row in await connection.fetch(_BODIES, tenants)]
