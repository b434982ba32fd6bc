"""Taking back the jobs of workers that are gone, and removing what has ended, in small pieces.

Sessions that are over, people who never confirmed their address, jobs that were given up, answers
of the management API that nobody asks for again, events of Stripe's, support's views.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing.records import forget_events
from control_plane.jobs.periodic import Periodic, keep_running
from control_plane.jobs.repository import (
    forget_errors,
    forget_failed,
    forget_letters,
    requeue_stalled,
)
from control_plane.management_api.repeats import KEPT
from control_plane.management_api.repository import forget_answers
from control_plane.people.actions import remove_unconfirmed
from control_plane.sessions.repository import PEOPLES, STAFFS
from control_plane.support_views.repository import forget_views
from shared.runtime.database import Database

_EVERY = 600.0  # seconds
_EVERY_RESCUE = 15.0  # seconds
_PIECE = 200  # rows of a transaction, so that no page waits for one
_CONFIRM_WITHIN = timedelta(days=7)
_FAILED_KEPT = timedelta(days=7)  # the link in a letter is long worth nothing then
_ERRORS_KEPT = timedelta(hours=1)
_LETTERS_KEPT = timedelta(days=30)
_EVENTS_KEPT = timedelta(days=90)  # Stripe itself lists none that is older than 30
_VIEWS_KEPT = timedelta(days=90)  # the audit logs keep what was seen in them

Remove = Callable[[AsyncConnection, datetime, int], Awaitable[int]]

_ENDED: dict[str, tuple[Remove, timedelta]] = {
    "sessions": (PEOPLES.remove_ended, timedelta()),
    "sessions of staff": (STAFFS.remove_ended, timedelta()),
    "unconfirmed people": (remove_unconfirmed, _CONFIRM_WITHIN),
    "failed jobs": (forget_failed, _FAILED_KEPT),
    "errors of jobs that are gone": (forget_errors, _ERRORS_KEPT),
    "sent letters": (forget_letters, _LETTERS_KEPT),
    "answers to repeat": (forget_answers, KEPT),
    "events of Stripe's": (forget_events, _EVENTS_KEPT),
    "views of support's": (forget_views, _VIEWS_KEPT),
}


async def clean_up(database: Database) -> None:
    """Run until cancelled."""

    async def work(now: datetime) -> str:
        removed = await remove_all_ended(database, now)
        return ", ".join(f"{count} {kind}" for kind, count in removed.items() if count)

    await keep_running(
        database, Periodic(name="removal of what has ended", every=_EVERY, work=work)
    )


async def remove_all_ended(database: Database, now: datetime) -> dict[str, int]:
    """Remove everything that has ended by now; give how many of each kind."""
    removed = dict.fromkeys(_ENDED, 0)
    for kind, (remove, kept) in _ENDED.items():
        piece = _PIECE
        while piece == _PIECE:
            async with database.control() as connection:
                piece = await remove(connection, now - kept, _PIECE)
            removed[kind] += piece
    return removed


async def rescue_jobs(database: Database) -> None:
    """Run until cancelled."""

    async def work(_: datetime) -> str:
        async with database.control() as connection:
            taken = await requeue_stalled(connection)
        return f"{taken} jobs of a worker that is gone begin anew" if taken else ""

    await keep_running(database, Periodic(name="rescue of jobs", every=_EVERY_RESCUE, work=work))
