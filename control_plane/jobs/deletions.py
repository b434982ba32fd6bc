"""Removing tenants whose deletion can be undone no more: a look a minute."""

import asyncio
import logging
from datetime import UTC, datetime

from control_plane.tenants.deletion import delete_due
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 60.0  # seconds


async def delete_tenants(database: Database) -> None:
    """Run until cancelled."""
    while True:
        try:
            deleted = await delete_due(database, datetime.now(UTC))
            if deleted:
                _log.info("tenants were deleted", extra=fields(tenants=deleted))
        except DATABASE_TROUBLE as error:
            _log.warning("tenants could not be deleted", extra=fields(cause=str(error)))
        await asyncio.sleep(_EVERY)
