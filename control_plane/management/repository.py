"""Clients of the built-in tenant that are API keys. Works in its transaction, which is given."""

from typing import Any

import msgspec
from sqlalchemy import Select, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.management.rules import ApiKey
from control_plane.secrets.rules import FIRST
from shared.domain.ids import ClientId
from shared.runtime.tables.ledger import secret_use
from shared.runtime.tables.tenant import client, client_grant, client_secret

_ACCOUNT = client.c.claims["account"].astext


async def list_api_keys(
    connection: AsyncConnection, *, after: ClientId, limit: int
) -> list[ApiKey]:
    """List by client_id, `limit` at a time; `after` is the last one of the page before, or ''."""
    rows = await connection.execute(
        _keys()
        .where(client.c.client_id > after, _ACCOUNT.is_not(None))
        .order_by(client.c.client_id)
        .limit(limit)
    )
    return [msgspec.convert(row, ApiKey) for row in rows.mappings()]


async def api_keys_of(connection: AsyncConnection, account_id: str) -> list[ApiKey]:
    """List an account's, the newest first: they are few (rules.MAXIMUM_KEYS)."""
    rows = await connection.execute(
        _keys()
        .where(account_id == _ACCOUNT)
        .order_by(client.c.created_at.desc(), client.c.client_id)
    )
    return [msgspec.convert(row, ApiKey) for row in rows.mappings()]


async def count_api_keys(connection: AsyncConnection, account_id: str) -> int:
    counted = await connection.scalar(select(func.count()).where(account_id == _ACCOUNT))
    return counted or 0


async def find_api_key(connection: AsyncConnection, client_id: ClientId) -> ApiKey | None:
    """Find the key; None also where the client is none."""
    found = await connection.execute(
        _keys().where(client.c.client_id == client_id, _ACCOUNT.is_not(None))
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, ApiKey)


def _keys() -> Select[Any]:
    """Select keys with the one secret that each was made with."""
    return (
        select(
            client.c.client_id,
            _ACCOUNT.label("account"),
            client.c.name,
            client.c.enabled,
            client.c.created_at,
            func.coalesce(client_grant.c.scopes, []).label("scopes"),
            func.coalesce(client.c.claims["tenants"], cast([], JSONB)).label("tenants"),
            func.coalesce(client_secret.c.last_four, "").label("last_four"),
            func.coalesce(client_secret.c.created_by, "").label("created_by"),
            client_secret.c.expires_at,
            secret_use.c.used_at,
            secret_use.c.address.label("used_from"),
        )
        .outerjoin(
            client_grant,
            (client_grant.c.client_id == client.c.client_id)
            & (client_grant.c.api == client.c.default_api),
        )
        .outerjoin(
            client_secret,
            (client_secret.c.client_id == client.c.client_id) & (client_secret.c.name == FIRST),
        )
        .outerjoin(secret_use, secret_use.c.digest == client_secret.c.digest)
    )
