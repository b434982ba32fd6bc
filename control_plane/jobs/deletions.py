"""Removing tenants whose deletion can be undone no more: a look a minute."""

from datetime import datetime

from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.tenants.deletion import delete_due
from shared.runtime.database import Database

_EVERY = 60.0  # seconds


async def delete_tenants(database: Database) -> None:
    """Run until cancelled."""

    async def work(now: datetime) -> str:
        deleted = await delete_due(database, now)
        return f"{deleted} tenants deleted" if deleted else ""

    await keep_running(database, Periodic(name="deletion of tenants", every=_EVERY, work=work))
