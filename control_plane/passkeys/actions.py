"""Registering a passkey and signing in with one: possession and a finger or PIN in one step.

A passkey that was made for a person who verified themselves on the device is two factors, so no
code is asked for beside it.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_person
from control_plane.audit.rules import Actor, Noted
from control_plane.passkeys import repository
from control_plane.passkeys.ceremony import Ceremony, credential_id_in
from control_plane.passkeys.repository import PasskeyRow
from control_plane.passkeys.rules import PasskeyRefused, Purpose
from control_plane.people import letters
from control_plane.people import repository as person_rows
from control_plane.people.actions import PeopleKeeper, QueueLetter
from control_plane.sessions.actions import Begun, Sessions, Visitor
from control_plane.sessions.rules import SessionKind
from shared.runtime.database import Database


class Passkeys:
    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        people: PeopleKeeper,
        key: bytes,
        queue: QueueLetter,
        console_url: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._people = people
        self._ceremony = Ceremony(key, console_url)
        self._queue = queue
        self._console_url = console_url

    async def registration_options(
        self, person_id: str, email: str, session: str, now: datetime
    ) -> str:
        """Give what `navigator.credentials.create` is asked, as JSON."""
        held = await self.list_passkeys(person_id)
        return self._ceremony.registration_options(person_id, email, held, session, now)

    def sign_in_options(self, session: str, now: datetime) -> str:
        """Give what `navigator.credentials.get` is asked; it names nobody."""
        return self._ceremony.sign_in_options(session, now)

    async def step_up_options(self, person_id: str, session: str, now: datetime) -> str:
        """Give what `navigator.credentials.get` is asked, for one of the person's own."""
        held = await self.list_passkeys(person_id)
        return self._ceremony.step_up_options(held, session, now)

    async def register(self, by: Actor, session: str, sent: str, name: str, now: datetime) -> None:
        """Keep a passkey. Raises PasskeyRefused."""
        new = self._ceremony.registered(by.id, session, sent, name, now)
        async with self._database.control() as connection:
            if not await repository.add_passkey(connection, new):
                raise PasskeyRefused
            await record_of_person(connection, by, _noted("add", new.name))
            person = await person_rows.find_person(connection, by.id)
            if person is not None:
                letter = letters.passkey_added(person.email, self._console_url)
                await self._queue(connection, letter)

    async def sign_in(self, session: str, sent: str, visitor: Visitor, now: datetime) -> Begun:
        """Begin a whole session. Raises PasskeyRefused."""
        async with self._database.control() as connection:
            held = await self._use(connection, Purpose.SIGN_IN, session, sent, now)
            person = await person_rows.find_person(connection, held.person_id)
            if person is None or person.verified_at is None:
                raise PasskeyRefused
            return await self._people.begin_signed_in(
                connection, person, SessionKind.CONSOLE, visitor, now, proof="passkey"
            )

    async def claimed_by(self, sent: str) -> str | None:
        """Give the address of the person whose passkey an answer says it is, proved or not."""
        async with self._database.control() as connection:
            try:
                held = await repository.find_passkey(connection, credential_id_in(sent))
            except PasskeyRefused:
                return None
            person = held and await person_rows.find_person(connection, held.person_id)
        return person.email if person else None

    async def note_refused(self, email: str, visitor: Visitor) -> None:
        await self._people.note_refused(email, visitor, "passkey")

    async def step_up(
        self, person_id: str, token: str, session: str, sent: str, now: datetime
    ) -> Begun:
        """Take a passkey of the person's own as a fresh proof. Raises PasskeyRefused."""
        async with self._database.control() as connection:
            held = await self._use(connection, Purpose.STEP_UP, session, sent, now)
            if held.person_id != person_id:
                raise PasskeyRefused
            begun = await self._sessions.renew(connection, token, now)
            if begun is None:
                raise PasskeyRefused
            return begun

    async def list_passkeys(self, person_id: str) -> list[PasskeyRow]:
        async with self._database.control() as connection:
            return await repository.passkeys_of(connection, person_id)

    async def remove(self, by: Actor, public_id: str) -> None:
        try:
            credential_id = bytes.fromhex(public_id)
        except ValueError:
            return
        async with self._database.control() as connection:
            held = await repository.find_passkey(connection, credential_id)
            if held is not None and held.person_id == by.id:
                await repository.remove_passkey(connection, by.id, credential_id)
                await record_of_person(connection, by, _noted("remove", held.name))

    async def _use(
        self, connection: AsyncConnection, purpose: Purpose, session: str, sent: str, now: datetime
    ) -> PasskeyRow:
        """Check what a device answered, and spend it. Raises PasskeyRefused."""
        asked, asked_at = self._ceremony.challenge_in(purpose, session, sent, now)
        held = await repository.find_passkey(connection, credential_id_in(sent))
        if held is None:
            raise PasskeyRefused
        count = self._ceremony.verified_count(held, sent, asked)
        if not await repository.use_passkey(connection, held.credential_id, count, asked_at, now):
            raise PasskeyRefused
        return held


def _noted(verb: str, name: str) -> Noted:
    return Noted(f"passkey.{verb}", f"passkey {name}")
