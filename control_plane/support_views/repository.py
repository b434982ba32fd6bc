"""Rows of support's views. Works in the transaction that it is given.

The support login begins a view, the console's takes it over. A view lives no longer than the grant
that it was begun under, the session it was begun from, and the right of who began it.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions.rules import LIFETIMES, SEEN_EVERY, SessionKind
from control_plane.staff.rules import StaffPermission, StaffRole, staff_may
from control_plane.support_views.rules import NewView, ViewRow
from shared.runtime.tables.staff import staff, staff_session, support_grant
from shared.runtime.tables.support_acts import support_view

_VIEW = [support_view.c[name] for name in ViewRow.__struct_fields__]
_IDLE = LIFETIMES[SessionKind.STAFF].idle
_ROLES = [each for each in StaffRole if staff_may(each, StaffPermission.IMPERSONATE)]


async def add_view(connection: AsyncConnection, new: NewView) -> None:
    await connection.execute(insert(support_view).values(**msgspec.structs.asdict(new)))


async def take_over(
    connection: AsyncConnection, handover: bytes, session: bytes, now: datetime
) -> ViewRow | None:
    """Spend the one-time token, by its digest, for a session; of two at once, one succeeds."""
    taken = await connection.execute(
        update(support_view)
        .where(
            support_view.c.handover_digest == handover,
            support_view.c.handover_until > now,
            support_view.c.session_digest.is_(None),
            *_lives(now),
        )
        .values(session_digest=session)
        .returning(*_VIEW)
    )
    row = taken.mappings().first()
    return None if row is None else msgspec.convert(row, ViewRow)


async def find_view(connection: AsyncConnection, session: bytes, now: datetime) -> ViewRow | None:
    """Find a session's, where it is not over."""
    return await _find(
        connection, select(*_VIEW).where(support_view.c.session_digest == session, *_lives(now))
    )


async def live_view(
    connection: AsyncConnection, staff_id: str, account_id: str, now: datetime
) -> ViewRow | None:
    """Find the one that a staff member has of the account."""
    of = (support_view.c.staff_id == staff_id, support_view.c.account_id == account_id)
    latest = support_view.c.created_at.desc()
    chosen = select(*_VIEW).where(*of, *_lives(now)).order_by(latest).limit(1)
    return await _find(connection, chosen)


async def end_views(
    connection: AsyncConnection, staff_id: str, account_id: str, now: datetime
) -> bool:
    """End those that a staff member has of the account; tell whether there was one."""
    ended = await connection.execute(
        update(support_view)
        .where(
            support_view.c.staff_id == staff_id,
            support_view.c.account_id == account_id,
            support_view.c.ended_at.is_(None),
            support_view.c.ends_at > now,
        )
        .values(ended_at=now)
        .returning(support_view.c.id)
    )
    return bool(ended.all())


async def note_use(connection: AsyncConnection, view_id: str, now: datetime) -> None:
    """Note that the session was used that a view was begun from; not more often than it is read."""
    of_view = select(support_view.c.staff_session).where(support_view.c.id == view_id)
    await connection.execute(
        update(staff_session)
        .where(
            staff_session.c.public_id == of_view.scalar_subquery(),
            staff_session.c.seen_at <= now - SEEN_EVERY,
        )
        .values(seen_at=now)
    )


async def forget_views(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove some that were over by then, as the control login; give how many."""
    old = select(support_view.c.id).where(support_view.c.ends_at < before).limit(limit)
    removed = await connection.execute(
        delete(support_view).where(support_view.c.id.in_(old)).returning(support_view.c.id)
    )
    return len(removed.all())


async def _find(connection: AsyncConnection, chosen: Select[Any]) -> ViewRow | None:
    row = (await connection.execute(chosen)).mappings().first()
    return None if row is None else msgspec.convert(row, ViewRow)


def _lives(now: datetime) -> tuple[ColumnElement[bool], ...]:
    view, opened, session = support_view.c, support_grant.c, staff_session.c
    return (
        view.ended_at.is_(None),
        view.ends_at > now,
        exists().where(opened.id == view.grant_id, opened.ended_at.is_(None), opened.ends_at > now),
        exists().where(
            session.public_id == view.staff_session,
            session.ends_at > now,
            session.seen_at > now - _IDLE,
        ),
        exists().where(
            staff.c.id == view.staff_id, staff.c.disabled_at.is_(None), staff.c.role.in_(_ROLES)
        ),
    )
