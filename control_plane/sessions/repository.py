"""Rows of sessions, in the transaction that is given; an actions.SessionStore."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions.rules import Session
from shared.runtime.tables.people import session

_COLUMNS = [column for column in session.columns if column.name != "digest"]


async def add_session(connection: AsyncConnection, digest: bytes, new: Session) -> None:
    values = msgspec.structs.asdict(new)
    await connection.execute(insert(session).values(digest=digest, **values))


async def find_session(connection: AsyncConnection, digest: bytes) -> Session | None:
    found = await connection.execute(select(*_COLUMNS).where(session.c.digest == digest))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, Session)


async def sessions_of(connection: AsyncConnection, person_id: str) -> list[Session]:
    """Give a person's sessions, the last used first."""
    rows = await connection.execute(
        select(*_COLUMNS)
        .where(session.c.person_id == person_id)
        .order_by(session.c.seen_at.desc())
        .limit(100)
    )
    return [msgspec.convert(row, Session) for row in rows.mappings()]


async def note_use(connection: AsyncConnection, digest: bytes, now: datetime) -> None:
    await connection.execute(update(session).where(session.c.digest == digest).values(seen_at=now))


async def remove_session(connection: AsyncConnection, digest: bytes) -> None:
    await connection.execute(delete(session).where(session.c.digest == digest))


async def remove_by_public_id(connection: AsyncConnection, person_id: str, public_id: str) -> bool:
    removed = await connection.execute(
        delete(session)
        .where(session.c.person_id == person_id, session.c.public_id == public_id)
        .returning(session.c.public_id)
    )
    return removed.first() is not None


async def remove_sessions_of(connection: AsyncConnection, person_id: str, but: bytes = b"") -> None:
    """Remove a person's sessions, all or all but one."""
    await connection.execute(
        delete(session).where(session.c.person_id == person_id, session.c.digest != but)
    )


async def remove_sessions_in(connection: AsyncConnection, person_id: str, account_id: str) -> None:
    """Remove a person's sessions that look at this account."""
    await connection.execute(
        delete(session).where(session.c.person_id == person_id, session.c.account_id == account_id)
    )


async def remove_ended(connection: AsyncConnection, now: datetime, limit: int) -> int:
    """Remove some that are over; idle ones go with their absolute end. Give how many."""
    ended = select(session.c.digest).where(session.c.ends_at < now).limit(limit)
    removed = await connection.execute(
        delete(session).where(session.c.digest.in_(ended)).returning(session.c.public_id)
    )
    return len(removed.all())
