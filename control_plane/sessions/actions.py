"""Beginning, finding and ending sessions. What the cookie holds is kept nowhere but as a digest.

A session never takes an id that came from outside: each begin, and each rise of its rights, makes
another one and removes the former (CWE-384).
"""

import secrets
from datetime import datetime
from hashlib import sha256

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions import repository
from control_plane.sessions.rules import LIFETIMES, SEEN_EVERY, Session, SessionKind
from shared.runtime.database import Database

_TOKEN_BYTES = 32
_MAXIMUM_AGENT = 200


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


async def begin_session(
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
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    if visitor.token:
        await repository.remove_session(connection, digest_of(visitor.token))
    await repository.add_session(connection, digest_of(token), new)
    return Begun(token, new)


async def renew_session(
    connection: AsyncConnection, token: str, now: datetime, kind: SessionKind | None = None
) -> Begun | None:
    """Put another session in the place of this one, after a proof of who it is.

    It may be of a kind that may do more; None where the session is over.
    """
    held = await repository.find_session(connection, digest_of(token))
    if held is None or not held.lives(now):
        return None
    visitor = Visitor(held.address, held.agent, token)
    return await begin_session(
        connection, kind or held.kind, held.person_id, held.account_id, visitor, now
    )


async def move_session(
    connection: AsyncConnection, token: str, account_id: str, now: datetime
) -> Begun | None:
    """Put another session in the place of this one, that looks at another account.

    It proves no more than the former did, and lives no longer.
    """
    held = await repository.find_session(connection, digest_of(token))
    if held is None or not held.lives(now) or held.kind is SessionKind.HALF:
        return None
    await repository.remove_session(connection, digest_of(token))
    visitor = Visitor(held.address, held.agent)
    begun = await begin_session(connection, held.kind, held.person_id, account_id, visitor, now)
    kept = {"stepped_up_at": held.stepped_up_at, "ends_at": held.ends_at}
    await repository.change_session(connection, digest_of(begun.token), **kept)
    return begun


async def find_session(database: Database, token: str, now: datetime) -> Session | None:
    """Give the session of a cookie, and note that it was used; None where it is over."""
    digest = digest_of(token)
    async with database.control() as connection:
        held = await repository.find_session(connection, digest)
        if held is None or not held.lives(now):
            return None
        if now - held.seen_at >= SEEN_EVERY:
            await repository.change_session(connection, digest, seen_at=now)
    return held


def digest_of(token: str) -> bytes:
    return sha256(token.encode()).digest()
