"""Turning a second factor on and off, and proving it: by an app's code, or by a recovery code.

Each code is good once. Of two requests with the same code at once one succeeds, since the row says
which was used last, and the update asks it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_person
from control_plane.audit.rules import Actor, Noted
from control_plane.people import letters, repository
from control_plane.people.actions import QueueLetter, refused, signed_in
from control_plane.second_factors.rules import (
    CodeRefused,
    digest_of_code,
    digests_of_code,
    new_recovery_codes,
    new_secret,
    step_of,
)
from control_plane.sessions.actions import Begun, Sessions
from control_plane.sessions.rules import SessionKind
from shared.domain.refused import Refused
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import CannotOpen, Sealer


class SetUpRefused(Refused):
    """What was sent is no set-up that was begun here for this person."""


class Offer(msgspec.Struct, frozen=True):
    """A secret for an app to keep, and the same sealed: it rests with the page until confirmed."""

    secret: str
    sealed: str

    def __repr__(self) -> str:
        return "Offer(…)"


class TurnedOn(msgspec.Struct, frozen=True):
    recovery_codes: list[str]  # to be shown once
    begun: Begun

    def __repr__(self) -> str:
        return "TurnedOn(…)"


class SecondFactors:
    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        sealer: Sealer,
        peppers: Sequence[Key],
        queue: QueueLetter,
        console_url: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._sealer = sealer
        self._peppers = [pepper.octets for pepper in peppers]
        self._queue = queue
        self._console_url = console_url

    def offer(self, person_id: str) -> Offer:
        secret = new_secret()
        sealed = self._sealer.seal_totp(secret.encode(), person_id)
        return Offer(secret, urlsafe_b64encode(sealed).decode())

    def offered(self, sealed: str, person_id: str) -> Offer:
        """Give the offer again that a page brings back. Raises SetUpRefused."""
        return Offer(self._opened(_octets(sealed), person_id), sealed)

    async def turn_on(
        self, by: Actor, sealed: str, code: str, token: str, now: datetime
    ) -> TurnedOn:
        """Keep the secret, once a code proves that the app has it; other sessions end.

        Raises CodeRefused or SetUpRefused.
        """
        octets, person_id = _octets(sealed), by.id
        step = step_of(self._opened(octets, person_id), code, now)
        if step is None:
            raise CodeRefused
        codes = new_recovery_codes()
        async with self._database.control() as connection:
            await repository.change_person(
                connection, person_id, totp_sealed=octets, recovery_digests=self._digests(codes)
            )
            if not await repository.spend_step(connection, person_id, step):
                raise CodeRefused
            await self._tell(connection, person_id, letters.second_factor_on)
            await record_of_person(connection, by, _noted("turn_on", person_id))
            begun = await self._renewed(connection, token, now)
            await self._sessions.end_others(connection, person_id, begun.token)
        return TurnedOn(codes, begun)

    async def turn_off(self, by: Actor) -> None:
        person_id = by.id
        async with self._database.control() as connection:
            await repository.change_person(
                connection, person_id, totp_sealed=None, recovery_digests=[]
            )
            await self._tell(connection, person_id, letters.second_factor_off)
            await record_of_person(connection, by, _noted("turn_off", person_id))

    async def renew_recovery_codes(self, by: Actor) -> list[str]:
        """Make ten others; those of before are good no more."""
        codes = new_recovery_codes()
        async with self._database.control() as connection:
            await repository.change_person(connection, by.id, recovery_digests=self._digests(codes))
            await record_of_person(connection, by, _noted("renew_codes", by.id))
        return codes

    async def codes_left(self, person_id: str) -> int | None:
        """Tell how many recovery codes are left; None where no second factor is set up."""
        async with self._database.control() as connection:
            person = await repository.find_person(connection, person_id)
        if person is None or person.totp_sealed is None:
            return None
        return len(person.recovery_digests)

    async def prove(self, person_id: str, code: str, now: datetime) -> None:
        """Use a code up. Raises CodeRefused."""
        async with self._database.control() as connection:
            await self._prove(connection, person_id, code, now)

    async def complete(
        self, by: Actor, token: str, code: str, kind: SessionKind, now: datetime
    ) -> Begun:
        """Put a whole session in the place of a half one. Raises CodeRefused."""
        async with self._database.control() as connection:
            await self._prove(connection, by.id, code, now)
            begun = await self._renewed(connection, token, now, kind)
            await record_of_person(connection, by, signed_in(begun, "second factor"))
            return begun

    async def note_refused(self, by: Actor) -> None:
        async with self._database.control() as connection:
            await record_of_person(connection, by, refused(by.id, "second factor"))

    async def _prove(
        self, connection: AsyncConnection, person_id: str, code: str, now: datetime
    ) -> None:
        person = await repository.find_person(connection, person_id)
        if person is None or person.totp_sealed is None:
            raise CodeRefused
        step = step_of(self._opened(person.totp_sealed, person_id), code, now)
        if step is not None and await repository.spend_step(connection, person_id, step):
            return
        digests = digests_of_code(code, self._peppers)
        if not await repository.spend_recovery_code(connection, person_id, digests):
            raise CodeRefused

    def _opened(self, sealed: bytes, person_id: str) -> str:
        try:
            return self._sealer.open_totp(sealed, person_id).decode()
        except CannotOpen:
            raise SetUpRefused("this was begun elsewhere: begin again") from None

    def _digests(self, codes: list[str]) -> list[str]:
        return [digest_of_code(code, self._peppers[0]) for code in codes]

    async def _renewed(
        self,
        connection: AsyncConnection,
        token: str,
        now: datetime,
        kind: SessionKind | None = None,
    ) -> Begun:
        begun = await self._sessions.renew(connection, token, now, kind)
        if begun is None:  # it ended in between
            raise CodeRefused
        return begun

    async def _tell(
        self, connection: AsyncConnection, person_id: str, write: letters.Writer
    ) -> None:
        person = await repository.find_person(connection, person_id)
        if person is not None:
            await self._queue(connection, write(person.email, self._console_url))


def _noted(verb: str, person_id: str) -> Noted:
    return Noted(f"second_factor.{verb}", f"person {person_id}")


def _octets(sealed: str) -> bytes:
    try:
        return urlsafe_b64decode(sealed)
    except (Base64Error, ValueError):
        raise SetUpRefused("this was begun elsewhere: begin again") from None
