"""What of the whole installation somebody is to look at, counted."""

from datetime import datetime

import msgspec

from control_plane.support.payments.repository import count_adrift, count_failed
from control_plane.support.work.repository import list_runs, queue_depths
from shared.runtime.database import Database


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    failed_events: int  # of Stripe's
    adrift: int  # periods whose counts differ
    failed_jobs: int  # given up
    overdue: list[str]  # names of periodic work
    never_ran: bool  # no background work ever did

    @property
    def is_anything(self) -> bool:
        counts = self.failed_events, self.adrift, self.failed_jobs, self.overdue, self.never_ran
        return any(counts)


async def needs_of(database: Database, now: datetime) -> Needs:
    async with database.control() as connection:
        runs = await list_runs(connection)
        return Needs(
            failed_events=await count_failed(connection),
            adrift=await count_adrift(connection),
            failed_jobs=sum(each.failed for each in await queue_depths(connection)),
            overdue=[each.name for each in runs if each.is_overdue(now)],
            never_ran=not runs,
        )
