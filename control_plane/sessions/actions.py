"""Beginning, finding and ending sessions. What the cookie holds is kept nowhere but as a digest.

A session never takes an id that came from outside: each begin, and each rise of its rights, makes
another one and removes the former (CWE-384).

Sessions rest in PostgreSQL, or in Redis where there is one. There they are no part of the caller's
transaction, so each of these is done before it commits: what cannot end a person's sessions is not
done either, and nobody is given the token of a session whose cause was undone. What is recorded in
the audit log is written first, unless it names what a session operation gives: then no session ends
without its record but where the commit itself fails.
"""

import secrets
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions.rules import (
    LIFETIMES,
    SEEN_EVERY,
    Session,
    SessionKind,
    SessionsAway,
)

_TOKEN_BYTES = 32
_MAXIMUM_AGENT = 200


class SessionStore(Protocol):
    """Where sessions rest, by the digest of their token. May raise SessionsAway."""

    async def add_session(
        self, connection: AsyncConnection, digest: bytes, new: Session, /
    ) -> None: ...

    async def find_session(self, connection: AsyncConnection, digest: bytes, /) -> Session | None:
        """Give it although it may be over."""
        ...

    async def sessions_of(self, connection: AsyncConnection, person_id: str, /) -> list[Session]:
        """Give a person's sessions, at most 100, the last used first."""
        ...

    async def note_use(self, connection: AsyncConnection, digest: bytes, now: datetime, /) -> None:
        """Note it, and bring nothing back that was removed meanwhile."""
        ...

    async def remove_session(self, connection: AsyncConnection, digest: bytes, /) -> None: ...

    async def remove_by_public_id(
        self, connection: AsyncConnection, person_id: str, public_id: str, /
    ) -> bool:
        """Tell whether there was such a session of this person."""
        ...

    async def remove_sessions_of(
        self, connection: AsyncConnection, person_id: str, but: bytes = b"", /
    ) -> None:
        """Remove a person's sessions, all or all but the one of this digest."""
        ...

    async def remove_sessions_in(
        self, connection: AsyncConnection, person_id: str, account_id: str, /
    ) -> None:
        """Remove a person's sessions that look at this account."""
        ...


class Visitor(msgspec.Struct, frozen=True):
    """Where a request comes from: for the person's own list of sessions, and the audit log."""

    address: str
    agent: str
    token: str = ""  # of the session that the browser has; the next one takes its place
    request_id: str = ""

    def __repr__(self) -> str:
        return f"Visitor({self.address!r}, {self.agent!r})"


class Begun(msgspec.Struct, frozen=True):
    token: str  # for the cookie
    session: Session

    def __repr__(self) -> str:
        return f"Begun({self.session.public_id!r})"


class Sessions:
    def __init__(self, store: SessionStore) -> None:
        self.store = store

    async def begin(
        self,
        connection: AsyncConnection,
        kind: SessionKind,
        person_id: str,
        account_id: str | None,
        visitor: Visitor,
        now: datetime,
    ) -> Begun:
        new = Session(
            public_id=secrets.token_hex(8),
            kind=kind,
            person_id=person_id,
            account_id=account_id,
            address=visitor.address,
            agent=visitor.agent[:_MAXIMUM_AGENT],
            created_at=now,
            seen_at=now,
            stepped_up_at=None if kind is SessionKind.HALF else now,
            ends_at=now + LIFETIMES[kind].absolute,
        )
        return await self._add(connection, new, visitor.token)

    async def renew(
        self,
        connection: AsyncConnection,
        token: str,
        now: datetime,
        kind: SessionKind | None = None,
    ) -> Begun | None:
        """Put another session in the place of this one, after a proof of who it is.

        It may be of a kind that may do more; None where the session is over.
        """
        held = await self._living(connection, token, now)
        if held is None:
            return None
        visitor = Visitor(held.address, held.agent, token)
        return await self.begin(
            connection, kind or held.kind, held.person_id, held.account_id, visitor, now
        )

    async def move(
        self, connection: AsyncConnection, token: str, account_id: str, now: datetime
    ) -> Begun | None:
        """Put another session in the place of this one, that looks at another account.

        It proves no more than the former did, and lives no longer.
        """
        held = await self._living(connection, token, now)
        if held is None or held.kind is SessionKind.HALF:
            return None
        moved = msgspec.structs.replace(
            held,
            public_id=secrets.token_hex(8),
            account_id=account_id,
            created_at=now,
            seen_at=now,
        )
        return await self._add(connection, moved, token)

    async def find(self, connection: AsyncConnection, token: str, now: datetime) -> Session | None:
        """Give the session of a cookie, and note that it was used; None where it is over."""
        held = await self._living(connection, token, now)
        if held is not None and now - held.seen_at >= SEEN_EVERY:
            with suppress(SessionsAway):  # read, but not written: a Redis that is full
                await self.store.note_use(connection, digest_of(token), now)
        return held

    async def held(self, connection: AsyncConnection, token: str) -> Session | None:
        """Give the session of a cookie although it may be over, and note no use of it."""
        return await self.store.find_session(connection, digest_of(token))

    async def list_living(
        self, connection: AsyncConnection, person_id: str, now: datetime
    ) -> list[Session]:
        """Give a person's sessions that are not over, the last used first."""
        held = await self.store.sessions_of(connection, person_id)
        return [each for each in held if each.lives(now)]

    async def end(self, connection: AsyncConnection, token: str) -> None:
        await self.store.remove_session(connection, digest_of(token))

    async def end_one(self, connection: AsyncConnection, person_id: str, public_id: str) -> bool:
        """Tell whether there was such a session of this person."""
        return await self.store.remove_by_public_id(connection, person_id, public_id)

    async def end_all(self, connection: AsyncConnection, person_id: str) -> None:
        await self.store.remove_sessions_of(connection, person_id)

    async def end_others(self, connection: AsyncConnection, person_id: str, token: str) -> None:
        """End a person's sessions but the one with this token."""
        await self.store.remove_sessions_of(connection, person_id, digest_of(token))

    async def end_in(self, connection: AsyncConnection, person_id: str, account_id: str) -> None:
        """End a person's sessions that look at this account."""
        await self.store.remove_sessions_in(connection, person_id, account_id)

    async def _living(
        self, connection: AsyncConnection, token: str, now: datetime
    ) -> Session | None:
        held = await self.held(connection, token)
        return held if held is not None and held.lives(now) else None

    async def _add(self, connection: AsyncConnection, new: Session, former: str) -> Begun:
        """Add a session; what the browser had until now is removed."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        if former:
            await self.store.remove_session(connection, digest_of(former))
        await self.store.add_session(connection, digest_of(token), new)
        return Begun(token, new)


def digest_of(token: str) -> bytes:
    return sha256(token.encode()).digest()
