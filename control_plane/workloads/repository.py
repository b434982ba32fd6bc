"""The rules of clients, a column of theirs.

Every function works in the tenant's transaction that it is given.
"""

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.workloads.rules import HeldWorkloads
from shared.domain.ids import ClientId
from shared.domain.workload import WorkloadRule
from shared.runtime.tables.tenant import client

_HELD = select(client.c.client_id, client.c.enabled, client.c.auth_method, client.c.workloads)


async def get_workloads(connection: AsyncConnection, client_id: ClientId) -> HeldWorkloads | None:
    """Give the client's rules, or None where there is no such client."""
    found = await connection.execute(_HELD.where(client.c.client_id == client_id))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, HeldWorkloads)


async def list_workloads(
    connection: AsyncConnection, *, after: ClientId, limit: int
) -> list[HeldWorkloads]:
    """List the clients that have rules by client_id; `after` is the last one before, or ''."""
    rows = await connection.execute(
        _HELD.where(client.c.client_id > after, client.c.workloads != [])
        .order_by(client.c.client_id)
        .limit(limit)
    )
    return [msgspec.convert(row, HeldWorkloads) for row in rows.mappings()]


async def set_workloads(
    connection: AsyncConnection, client_id: ClientId, rules: tuple[WorkloadRule, ...]
) -> None:
    await connection.execute(
        update(client)
        .where(client.c.client_id == client_id)
        .values(workloads=msgspec.to_builtins(rules))
    )
