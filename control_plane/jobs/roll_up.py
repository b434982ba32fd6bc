"""Rolling up usage by day: a look an hour, at today and yesterday; once a day at a whole month."""

from datetime import datetime

from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.usage.actions import roll_up_days
from shared.runtime.database import Database

_EVERY = 3600.0  # seconds


async def roll_up_usage(database: Database) -> None:
    """Run until cancelled. Days that were missed while nobody ran are rolled up late."""

    async def work(now: datetime) -> str:
        changed = await roll_up_days(database, now.date())
        return f"{changed} counts rolled up" if changed else ""

    await keep_running(database, Periodic(name="rolling up of usage", every=_EVERY, work=work))
