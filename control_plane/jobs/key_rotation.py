"""Rotating signing keys: a look a minute at the tenants whose keys are due."""

from datetime import datetime

from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.keys.actions import KeyKeeper
from shared.runtime.database import Database

_EVERY = 60.0  # seconds
_RETRY = 5.0  # seconds


async def rotate_keys(database: Database, keeper: KeyKeeper) -> None:
    """Run until cancelled. Steps that were missed while nobody ran are taken late, in order."""

    async def work(_: datetime) -> str:
        changed = 0
        while done := await keeper.advance_due():
            changed += done
        return f"keys of {changed} tenants changed" if changed else ""

    await keep_running(
        database, Periodic(name="rotation of signing keys", every=_EVERY, work=work, retry=_RETRY)
    )
