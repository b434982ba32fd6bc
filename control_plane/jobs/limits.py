"""Ending overrides whose time is over, and publishing limits that are marked as due."""

import asyncio
import logging
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.actions import end_due_overrides, publish_due_limits
from control_plane.billing import metering
from control_plane.billing.repository import lock_customer
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 10.0  # seconds


async def publish_limits(database: Database) -> None:
    """Run until cancelled."""
    while True:
        try:
            await look_at_limits(database, datetime.now(UTC))
        except DATABASE_TROUBLE as error:
            _log.warning("limits could not be published", extra=fields(cause=str(error)))
        await asyncio.sleep(_EVERY)


async def look_at_limits(database: Database, now: datetime) -> None:
    """Do all that is due now."""
    ended = await end_due_overrides(database, now, _count_before)
    if ended:
        _log.info("overrides are over", extra=fields(overrides=ended))
    told = await publish_due_limits(database)
    if told:
        _log.info("limits published", extra=fields(tenants=told))


async def _count_before(connection: AsyncConnection, account_id: str, now: datetime) -> None:
    """Count what was used over the plan, where that is sold, while the override still holds."""
    if await lock_customer(connection, account_id) is not None:
        await metering.count(connection, account_id, now)
