"""Publishing limits that whoever changed them did not get to publish."""

import asyncio
import logging

from control_plane.accounts.actions import publish_due_limits
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 10.0  # seconds


async def publish_limits(database: Database) -> None:
    """Run until cancelled."""
    while True:
        try:
            told = await publish_due_limits(database)
            if told:
                _log.info("limits published late", extra=fields(tenants=told))
        except DATABASE_TROUBLE as error:
            _log.warning("limits could not be published", extra=fields(cause=str(error)))
        await asyncio.sleep(_EVERY)
