"""Ending overrides whose time is over, and publishing limits that are marked as due."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.actions import end_due_overrides, publish_due_limits
from control_plane.billing import metering
from control_plane.billing.repository import lock_customer
from control_plane.jobs.periodic import Periodic, keep_running
from shared.runtime.database import Database

_EVERY = 10.0  # seconds


async def publish_limits(database: Database) -> None:
    """Run until cancelled."""

    async def work(now: datetime) -> str:
        return await look_at_limits(database, now)

    await keep_running(database, Periodic(name="publishing of limits", every=_EVERY, work=work))


async def look_at_limits(database: Database, now: datetime) -> str:
    """Do all that is due now; say what that was."""
    ended = await end_due_overrides(database, now, _count_before)
    told = await publish_due_limits(database)
    done = {f"{ended} overrides are over": ended, f"limits of {told} tenants published": told}
    return ", ".join(words for words, count in done.items() if count)


async def _count_before(connection: AsyncConnection, account_id: str, now: datetime) -> None:
    """Count what was used over the plan, where that is sold, while the override still holds."""
    if await lock_customer(connection, account_id) is not None:
        await metering.count(connection, account_id, now)
