"""A tenant's whole configuration as JSON, to keep or to compare: no secret and no key is in it.

Of signing keys it has the public names and times; of clients the public keys and how they prove
themselves, and nothing of their secrets.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from control_plane.apis.actions import list_apis
from control_plane.clients.actions import list_granted
from control_plane.keys.actions import list_keys
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

_FORMAT = "auth-service tenant, version 1"
_PAGE = 100  # clients that are read together


async def export_tenant(
    database: Database, tenant: TenantRow, public_url: str
) -> AsyncIterator[bytes]:
    """Give the JSON piece by piece; a client that changes meanwhile is in it before or after."""
    head = {
        "format": _FORMAT,
        "tenant": _described(tenant, public_url),
        "signing_keys": await list_keys(database, tenant.id),
        "apis": await list_apis(database, tenant.id),
    }
    yield msgspec.json.encode(head)[:-1] + b',"clients":['
    after, comma = ClientId(""), b""
    while page := await list_granted(database, tenant.id, after=after, limit=_PAGE):
        for each in page:
            described = msgspec.to_builtins(each.client) | {"grants": each.grants}
            yield comma + msgspec.json.encode(described)
            comma = b","
        after = page[-1].client.client_id
    yield b"]}\n"


def _described(tenant: TenantRow, public_url: str) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "issuer": issuer_url(public_url, tenant.slug),
        "environment": tenant.environment,
        "status": tenant.status,
        "created_at": tenant.created_at,
    }
