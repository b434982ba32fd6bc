"""Changing a registered client from a test, whatever the commands can change."""

from typing import Any

from sqlalchemy import update

from control_plane.publishing.snapshots import edit_tenant
from shared.domain.ids import ClientId, TenantId
from shared.runtime.database import Database
from shared.runtime.tables.tenant import client


async def set_client(
    database: Database, tenant_id: TenantId, client_id: ClientId, **columns: Any
) -> None:
    """Set columns of the client's row, and publish the change."""
    async with edit_tenant(database, tenant_id) as connection:
        await connection.execute(
            update(client).where(client.c.client_id == client_id).values(**columns)
        )
