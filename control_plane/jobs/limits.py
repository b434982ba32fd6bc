"""Publishing limits that whoever changed them did not get to publish."""

from datetime import datetime

from control_plane.accounts.actions import publish_due_limits
from control_plane.jobs.periodic import Periodic, keep_running
from shared.runtime.database import Database

_EVERY = 10.0  # seconds


async def publish_limits(database: Database) -> None:
    """Run until cancelled."""

    async def work(_: datetime) -> str:
        told = await publish_due_limits(database)
        return f"limits of {told} tenants published late" if told else ""

    await keep_running(database, Periodic(name="publishing of limits", every=_EVERY, work=work))
