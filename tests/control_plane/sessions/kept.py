"""What the tests of both stores do with sessions: each call in a transaction of its own."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from control_plane.sessions.actions import Begun, Sessions, Visitor
from control_plane.sessions.rules import Session, SessionKind
from shared.runtime.database import Database

_Ended = TypeVar("_Ended")


class Kept(msgspec.Struct, frozen=True):
    database: Database
    sessions: Sessions
    person_id: str
    accounts: tuple[str, str]
    rests: Callable[[], Awaitable[str]]  # all that the store holds, as text

    async def begin(
        self,
        now: datetime,
        kind: SessionKind = SessionKind.CONSOLE,
        *,
        former: str = "",
        account: int = 0,
    ) -> Begun:
        visitor = Visitor("192.0.2.1", "a browser", former)
        async with self.database.control() as connection:
            return await self.sessions.begin(
                connection, kind, self.person_id, self.accounts[account], visitor, now
            )

    async def renew(
        self, token: str, now: datetime, kind: SessionKind | None = None
    ) -> Begun | None:
        async with self.database.control() as connection:
            return await self.sessions.renew(connection, token, now, kind)

    async def move(self, token: str, now: datetime) -> Begun | None:
        async with self.database.control() as connection:
            return await self.sessions.move(connection, token, self.accounts[1], now)

    async def find(self, token: str, now: datetime) -> Session | None:
        async with self.database.control() as connection:
            return await self.sessions.find(connection, token, now)

    async def listed(self, now: datetime) -> list[str]:
        async with self.database.control() as connection:
            found = await self.sessions.list_living(connection, self.person_id, now)
        return [each.public_id for each in found]

    async def ends(self, end: Callable[..., Awaitable[_Ended]], *arguments: str) -> _Ended:
        async with self.database.control() as connection:
            return await end(connection, *arguments)
