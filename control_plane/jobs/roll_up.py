"""Rolling up usage by day: a look an hour, at today and yesterday; once a day at a whole month."""

import asyncio
import logging
from datetime import UTC, datetime

from control_plane.usage.actions import roll_up_days
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 3600.0  # seconds
_RETRY = 30.0  # seconds


async def roll_up_usage(database: Database) -> None:
    """Run until cancelled. Days that were missed while nobody ran are rolled up late."""
    while True:
        try:
            changed = await roll_up_days(database, datetime.now(UTC).date())
            if changed:
                _log.info("usage is rolled up by day", extra=fields(counts=changed))
            await asyncio.sleep(_EVERY)
        except DATABASE_TROUBLE as error:
            _log.warning("usage could not be rolled up", extra=fields(cause=str(error)))
            await asyncio.sleep(_RETRY)
