"""Letting old records go: a look an hour, and soon again where somebody reads what is to go."""

from datetime import datetime

from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.usage.actions import forget_old
from shared.runtime.database import Database

_EVERY = 3600.0  # seconds


async def keep_ledger(database: Database, days: int) -> None:
    """Run until cancelled; keep so many days of the ledger."""

    async def work(now: datetime) -> str:
        dropped = await forget_old(database, days, now)
        return f"{dropped} partitions of old records dropped" if dropped else ""

    await keep_running(database, Periodic(name="retention of the ledger", every=_EVERY, work=work))
