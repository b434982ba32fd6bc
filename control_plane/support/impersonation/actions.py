"""Beginning a read-only view of the console (C5): one account, an hour at most, under a grant."""

import secrets
from datetime import datetime

from control_plane.sessions.actions import digest_of
from control_plane.staff.rules import Grant
from control_plane.staff.signed_in import StaffSignedIn
from control_plane.support.shown import Act
from control_plane.support_views import repository
from control_plane.support_views.rules import HANDOVER_LASTS, VIEW_LASTS, NewView, ViewRow
from shared.runtime.database import Database

_TOKEN_BYTES = 32


async def begin_view(
    database: Database, act: Act, staff: StaffSignedIn, grant: Grant, now: datetime
) -> str:
    """Give the one-time token by which the console takes the view over; it is kept nowhere.

    A view that they have of the account ends: there is one at a time.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    view = NewView(
        id=f"v_{secrets.token_hex(8)}",
        account_id=grant.account_id,
        staff_id=staff.staff_id,
        staff_email=staff.email,
        reason=act.why.reason,
        ticket=act.why.ticket,
        created_at=now,
        ends_at=min(now + VIEW_LASTS, grant.ends_at, staff.session.ends_at),
        grant_id=grant.id,
        staff_session=staff.session.public_id,
        handover_digest=digest_of(token),
        handover_until=now + HANDOVER_LASTS,
    )
    async with database.control() as connection:
        await repository.end_views(connection, staff.staff_id, grant.account_id, now)
        await repository.add_view(connection, view)
        until = {"until": view.ends_at.isoformat(timespec="seconds")}
        target = f"account {grant.account_id}"
        await act.note_both(connection, grant.account_id, "support.begin_view", target, after=until)
    return token


async def show_view(
    database: Database, staff: StaffSignedIn, account_id: str, now: datetime
) -> ViewRow | None:
    async with database.control() as connection:
        return await repository.live_view(connection, staff.staff_id, account_id, now)


async def end_view(database: Database, act: Act, account_id: str, now: datetime) -> None:
    async with database.control() as connection:
        if await repository.end_views(connection, act.by.id, account_id, now):
            target = f"account {account_id}"
            await act.note_both(connection, account_id, "support.end_view", target)
