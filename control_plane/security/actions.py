"""What people do about their own sign-in: prove again who they are, change the password, and end
sessions.
"""

from datetime import datetime

import msgspec

from control_plane.audit.actions import record_of_person
from control_plane.audit.rules import Actor, Noted
from control_plane.people import letters
from control_plane.people import repository as people
from control_plane.people.actions import QueueLetter, refused
from control_plane.people.passwords import Passwords
from control_plane.people.rules import check_password
from control_plane.second_factors.actions import SecondFactors
from control_plane.security.rules import browser_of
from control_plane.sessions.actions import Begun, Sessions
from control_plane.sessions.rules import Session, SessionKind
from shared.domain.refused import Refused
from shared.runtime.database import Database


class ProofRefused(Refused):
    """What was given does not prove who it is."""


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True):
    current: str
    new: str

    def __repr__(self) -> str:
        return "PasswordChange(…)"


class ListedSession(msgspec.Struct, frozen=True, kw_only=True):
    public_id: str
    browser: str
    address: str
    began: datetime
    seen: datetime
    remembered: bool
    this_one: bool


class OwnSecurity:
    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        passwords: Passwords,
        second_factors: SecondFactors,
        queue: QueueLetter,
        console_url: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._second_factors = second_factors
        self._queue = queue
        self._console_url = console_url

    async def codes_left(self, person_id: str) -> int | None:
        """Tell how many recovery codes are left; None where there is no second factor."""
        return await self._second_factors.codes_left(person_id)

    async def step_up(self, held: Session, token: str, proof: str, now: datetime) -> Begun:
        """Take a fresh proof: a code where there is a second factor, else the password.

        Raises ProofRefused or CodeRefused.
        """
        if await self.codes_left(held.person_id) is not None:
            await self._second_factors.prove(held.person_id, proof, now)
        elif not await self._is_right(held.person_id, proof):
            raise ProofRefused("the password is not right")
        async with self._database.control() as connection:
            begun = await self._sessions.renew(connection, token, now)
        if begun is None:
            raise ProofRefused("the session has ended")
        return begun

    async def note_refused(self, by: Actor) -> None:
        async with self._database.control() as connection:
            await record_of_person(connection, by, refused(by.id, "step-up"))

    async def change_password(
        self, held: Session, token: str, change: PasswordChange, by: Actor, now: datetime
    ) -> Begun:
        """Change it; every other session ends. Raises ProofRefused or WeakPassword."""
        if not await self._is_right(held.person_id, change.current):
            raise ProofRefused("the current password is not right")
        async with self._database.control() as connection:
            person = await people.find_person(connection, held.person_id)
        if person is None:
            raise ProofRefused("the session has ended")
        check_password(change.new, person.email)
        password_hash = await self._passwords.digest(change.new)
        async with self._database.control() as connection:
            await people.change_person(connection, person.id, password_hash=password_hash)
            await people.remove_links(connection, person.id)
            noted = Noted("person.change_password", f"person {person.id}")
            await record_of_person(connection, by, noted)
            await self._queue(connection, letters.password_changed(person.email, self._console_url))
            begun = await self._sessions.renew(connection, token, now)
            if begun is None:
                raise ProofRefused("the session has ended")
            await self._sessions.end_others(connection, person.id, begun.token)
        return begun

    async def list_sessions(self, held: Session, now: datetime) -> list[ListedSession]:
        """Give those that are not over, the last used first."""
        async with self._database.control() as connection:
            rows = await self._sessions.list_living(connection, held.person_id, now)
        return [_listed(row, held) for row in rows]

    async def end_session(self, public_id: str, by: Actor) -> None:
        async with self._database.control() as connection:
            if await self._sessions.end_one(connection, by.id, public_id):
                await record_of_person(connection, by, Noted("session.end", f"session {public_id}"))

    async def end_others(self, token: str, by: Actor) -> None:
        async with self._database.control() as connection:
            noted = Noted("session.end_others", f"person {by.id}")
            await record_of_person(connection, by, noted)
            await self._sessions.end_others(connection, by.id, token)

    async def _is_right(self, person_id: str, password: str) -> bool:
        async with self._database.control() as connection:
            person = await people.find_person(connection, person_id)
        held = None if person is None else person.password_hash
        return await self._passwords.is_right(held, password)


def _listed(row: Session, held: Session) -> ListedSession:
    return ListedSession(
        public_id=row.public_id,
        browser=browser_of(row.agent),
        address=row.address,
        began=row.created_at,
        seen=row.seen_at,
        remembered=row.kind is SessionKind.REMEMBERED,
        this_one=row.public_id == held.public_id,
    )
