"""Clients of the built-in tenant that are API keys. Works in its transaction, which is given."""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import ClientId
from shared.runtime.tables.tenant import client

_ACCOUNT = client.c.claims["account"].astext


class ApiKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    account: str
    name: str
    enabled: bool
    created_at: datetime


async def list_api_keys(
    connection: AsyncConnection, *, after: ClientId, limit: int
) -> list[ApiKeyRow]:
    """List by client_id, `limit` at a time; `after` is the last one of the page before, or ''."""
    rows = await connection.execute(
        select(client, _ACCOUNT.label("account"))
        .where(client.c.client_id > after, _ACCOUNT.is_not(None))
        .order_by(client.c.client_id)
        .limit(limit)
    )
    return [msgspec.convert(row, ApiKeyRow) for row in rows.mappings()]
