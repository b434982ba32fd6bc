"""Letting old records go: a look an hour, and soon again where somebody reads what is to go."""

import asyncio
import logging
from datetime import UTC, datetime

from control_plane.usage.actions import forget_old
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 3600.0  # seconds
_RETRY = 30.0  # seconds


async def keep_ledger(database: Database, days: int) -> None:
    """Run until cancelled; keep so many days of the ledger."""
    while True:
        try:
            dropped = await forget_old(database, days, datetime.now(UTC))
            if dropped:
                _log.info("old records have gone", extra=fields(partitions=dropped))
            await asyncio.sleep(_EVERY)
        except DATABASE_TROUBLE as error:
            _log.warning("old records could not be dropped", extra=fields(cause=str(error)))
            await asyncio.sleep(_RETRY)
