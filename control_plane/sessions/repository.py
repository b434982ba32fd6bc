"""Rows of sessions, in the transaction that is given."""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Table, Text, delete, insert, null, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions.rules import Session
from shared.runtime.tables.people import session
from shared.runtime.tables.staff import staff_session

_NO_ACCOUNT: ColumnElement[str | None] = type_coerce(null(), Text)


class StoredSessions:
    """An actions.SessionStore in a table of PostgreSQL."""

    def __init__(self, table: Table, whose: str) -> None:
        """`whose` is the column that names who is signed in. Staff look at no account."""
        self._table = table
        self._whose: ColumnElement[str] = table.c[whose]
        self._account: ColumnElement[str | None] = table.c.get("account_id", _NO_ACCOUNT)
        named = {"person_id": self._whose, "account_id": self._account}
        self._columns = [
            (named[name] if name in named else table.c[name]).label(name)
            for name in Session.__struct_fields__
        ]

    async def add_session(self, connection: AsyncConnection, digest: bytes, new: Session) -> None:
        values = msgspec.structs.asdict(new) | {self._whose.name: new.person_id, "digest": digest}
        kept = {name: value for name, value in values.items() if name in self._table.c}
        await connection.execute(insert(self._table).values(**kept))

    async def find_session(self, connection: AsyncConnection, digest: bytes) -> Session | None:
        found = await connection.execute(
            select(*self._columns).where(self._table.c.digest == digest)
        )
        row = found.mappings().first()
        return None if row is None else msgspec.convert(row, Session)

    async def sessions_of(self, connection: AsyncConnection, person_id: str) -> list[Session]:
        """Give a person's sessions, the last used first."""
        rows = await connection.execute(
            select(*self._columns)
            .where(self._whose == person_id)
            .order_by(self._table.c.seen_at.desc())
            .limit(100)
        )
        return [msgspec.convert(row, Session) for row in rows.mappings()]

    async def note_use(self, connection: AsyncConnection, digest: bytes, now: datetime) -> None:
        await connection.execute(
            update(self._table).where(self._table.c.digest == digest).values(seen_at=now)
        )

    async def remove_session(self, connection: AsyncConnection, digest: bytes) -> None:
        await connection.execute(delete(self._table).where(self._table.c.digest == digest))

    async def remove_by_public_id(
        self, connection: AsyncConnection, person_id: str, public_id: str
    ) -> bool:
        removed = await connection.execute(
            delete(self._table)
            .where(self._whose == person_id, self._table.c.public_id == public_id)
            .returning(self._table.c.public_id)
        )
        return removed.first() is not None

    async def remove_sessions_of(
        self, connection: AsyncConnection, person_id: str, but: bytes = b""
    ) -> None:
        """Remove a person's sessions, all or all but one."""
        await connection.execute(
            delete(self._table).where(self._whose == person_id, self._table.c.digest != but)
        )

    async def remove_sessions_in(
        self, connection: AsyncConnection, person_id: str, account_id: str
    ) -> None:
        """Remove a person's sessions that look at this account."""
        await connection.execute(
            delete(self._table).where(self._whose == person_id, self._account == account_id)
        )

    async def remove_ended(self, connection: AsyncConnection, now: datetime, limit: int) -> int:
        """Remove some that are over; idle ones go with their absolute end. Give how many."""
        ended = select(self._table.c.digest).where(self._table.c.ends_at < now).limit(limit)
        removed = await connection.execute(
            delete(self._table)
            .where(self._table.c.digest.in_(ended))
            .returning(self._table.c.public_id)
        )
        return len(removed.all())


PEOPLES = StoredSessions(session, "person_id")
STAFFS = StoredSessions(staff_session, "staff_id")
