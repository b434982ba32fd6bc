"""Ending overrides whose time is over, and publishing limits that are marked as due."""

<<<<<<< HEAD
from datetime import datetime

from control_plane.accounts.actions import publish_due_limits
from control_plane.jobs.periodic import Periodic, keep_running
from shared.runtime.database import Database
=======
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
>>>>>>> 5e3195e1a2efacb6aa468eb7910e26414d8d0c9b

_EVERY = 10.0  # seconds


async def publish_limits(database: Database) -> None:
    """Run until cancelled."""
<<<<<<< HEAD

    async def work(_: datetime) -> str:
        told = await publish_due_limits(database)
        return f"limits of {told} tenants published late" if told else ""

    await keep_running(database, Periodic(name="publishing of limits", every=_EVERY, work=work))
=======
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
>>>>>>> 5e3195e1a2efacb6aa468eb7910e26414d8d0c9b
