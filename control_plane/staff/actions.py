"""Making and changing staff accounts, which only a command on the machine does, and signing in.

There is no way in by a password alone: it is a passkey, or a password and a code. What somebody
fails to prove is refused in the same words whatever was wrong, and is in the staff audit.
"""

import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import BY_OPERATOR, Actor, ActorKind, Noted
from control_plane.passkeys.ceremony import Ceremony, credential_id_in
from control_plane.passkeys.rules import PasskeyRefused, Purpose
from control_plane.people.actions import SignInRefused, signed_in
from control_plane.people.passwords import Passwords
from control_plane.people.rules import normal_email
from control_plane.second_factors.rules import CodeRefused, step_of
from control_plane.sessions.actions import Begun, Sessions, Visitor, digest_of
from control_plane.sessions.rules import SessionKind
from control_plane.staff import repository
from control_plane.staff.repository import StaffRow
from control_plane.staff.rules import ENROL_WITHIN, StaffRefused, StaffRole, check_staff_name
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


class StaffKeeper:
    """What `auth-service staff …` does, as the control login."""

    def __init__(self, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    async def create(self, email: str, name: str, role: StaffRole, now: datetime) -> str:
        """Add one of the staff, and give the token of the link by which they enrol.

        Raises InvalidEmail or StaffRefused.
        """
        address, shown = normal_email(email), check_staff_name(name)
        staff_id, token = f"st_{secrets.token_hex(8)}", secrets.token_urlsafe(32)
        async with self._database.control() as connection:
            if not await repository.add_staff(connection, staff_id, address, shown, role):
                raise StaffRefused(f"{address} is one of the staff already")
            await repository.add_staff_link(
                connection, digest_of(token), staff_id, now + ENROL_WITHIN
            )
            await _note(connection, "create", address, {"name": shown, "role": role})
        return token

    async def list_all(self) -> list[StaffRow]:
        async with self._database.control() as connection:
            return await repository.list_staff(connection)

    async def set_role(self, email: str, role: StaffRole) -> None:
        """Give another role; they sign in anew. Raises StaffRefused."""
        async with self._database.control() as connection:
            held = await self._held(connection, email)
            await repository.change_staff(connection, held.id, role=role)
            await self._sessions.end_all(connection, held.id)
            noted = Noted(
                "staff.set_role", f"staff {held.email}", {"role": held.role}, {"role": role}
            )
            await record_of_staff(connection, BY_OPERATOR, noted)

    async def disable(self, email: str, now: datetime) -> None:
        """Let them in no more; what they have open ends now. Raises StaffRefused."""
        async with self._database.control() as connection:
            held = await self._held(connection, email)
            await repository.change_staff(connection, held.id, disabled_at=now)
            await self._lock_out(connection, held.id, now)
            await _note(connection, "disable", held.email, None)

    async def reset(self, email: str, now: datetime) -> str:
        """Forget how they sign in, and give the token of a new link; who was disabled is let in.

        Raises StaffRefused.
        """
        token = secrets.token_urlsafe(32)
        async with self._database.control() as connection:
            held = await self._held(connection, email)
            await self._lock_out(connection, held.id, now)
            await repository.remove_staff_passkeys(connection, held.id)
            await repository.change_staff(
                connection, held.id, password_hash=None, totp_sealed=None, disabled_at=None
            )
            await repository.add_staff_link(
                connection, digest_of(token), held.id, now + ENROL_WITHIN
            )
            await _note(connection, "reset", held.email, None)
        return token

    async def _lock_out(self, connection: AsyncConnection, staff_id: str, now: datetime) -> None:
        await repository.remove_staff_links(connection, staff_id)
        await repository.end_grants(connection, staff_id, now)
        await self._sessions.end_all(connection, staff_id)

    async def _held(self, connection: AsyncConnection, email: str) -> StaffRow:
        held = await repository.find_staff_by_email(connection, email.strip().lower())
        if held is None:
            raise StaffRefused(f"{email} is none of the staff: see auth-service staff list")
        return held


class StaffProofs:
    """What it takes to find out who of the staff it is, as the support login."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        passwords: Passwords,
        sealer: Sealer,
        ceremony: Ceremony,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._sealer = sealer
        self._ceremony = ceremony


class StaffSignIn(StaffProofs):
    """Signing in to the support app."""

    async def by_password(
        self, email: str, password: str, visitor: Visitor, now: datetime
    ) -> Begun:
        """Begin half a session: a code is asked for next. Raises SignInRefused."""
        async with self._database.control() as connection:
            held = await repository.find_staff_by_email(connection, email.strip().lower())
        right = await self._passwords.is_right(held.password_hash if held else None, password)
        if held is None or not right or held.disabled_at is not None:
            raise SignInRefused("the address or the password is not right")
        async with self._database.control() as connection:
            return await self._sessions.begin(
                connection, SessionKind.HALF, held.id, None, visitor, now
            )

    async def by_code(self, staff_id: str, code: str, visitor: Visitor, now: datetime) -> Begun:
        """Put a whole session in the place of the visitor's half one. Raises CodeRefused."""
        async with self._database.control() as connection:
            held = await repository.find_staff(connection, staff_id)
            if held is None or held.totp_sealed is None:
                raise CodeRefused
            secret = self._sealer.open_totp(held.totp_sealed, staff_id).decode()
            step = step_of(secret, code, now)
            if step is None or not await repository.spend_staff_step(connection, staff_id, step):
                raise CodeRefused
            return await self._begin(connection, held, visitor, now, proof="password and code")

    def passkey_options(self, session: str, now: datetime) -> str:
        """Give what `navigator.credentials.get` is asked; it names nobody."""
        return self._ceremony.sign_in_options(session, now)

    async def by_passkey(self, session: str, sent: str, visitor: Visitor, now: datetime) -> Begun:
        """Begin a whole session. Raises PasskeyRefused."""
        asked, asked_at = self._ceremony.challenge_in(Purpose.SIGN_IN, session, sent, now)
        async with self._database.control() as connection:
            passkey = await repository.find_staff_passkey(connection, credential_id_in(sent))
            if passkey is None:
                raise PasskeyRefused
            count = self._ceremony.verified_count(passkey, sent, asked)
            used = await repository.use_staff_passkey(
                connection, passkey.credential_id, count, asked_at, now
            )
            held = await repository.find_staff(connection, passkey.person_id)
            if not used or held is None or held.disabled_at is not None:
                raise PasskeyRefused
            return await self._begin(connection, held, visitor, now, proof="passkey")

    async def note_refused(self, email: str, visitor: Visitor, proof: str) -> None:
        """Record that somebody failed to sign in as one of the staff, if there is one."""
        async with self._database.control() as connection:
            held = await repository.find_staff_by_email(connection, email)
            if held is not None:
                noted = Noted("session.refuse", f"staff {held.email}", after={"proof": proof})
                await record_of_staff(connection, staff_visiting(held, visitor), noted)

    async def sign_out(self, visitor: Visitor) -> None:
        """End the visitor's session."""
        async with self._database.control() as connection:
            session = await self._sessions.held(connection, visitor.token)
            if session is None:
                return
            held = await repository.find_staff(connection, session.person_id)
            if held is not None:
                noted = Noted("session.end", f"session {session.public_id}")
                await record_of_staff(connection, staff_visiting(held, visitor), noted)
            await self._sessions.end(connection, visitor.token)

    async def claimed_by(self, sent: str) -> str | None:
        """Give the address of whose passkey an answer says it is, proved or not."""
        async with self._database.control() as connection:
            try:
                passkey = await repository.find_staff_passkey(connection, credential_id_in(sent))
            except PasskeyRefused:
                return None
            held = passkey and await repository.find_staff(connection, passkey.person_id)
        return held.email if held else None

    async def _begin(
        self,
        connection: AsyncConnection,
        held: StaffRow,
        visitor: Visitor,
        now: datetime,
        *,
        proof: str,
    ) -> Begun:
        return await begin_staff_session(
            connection, self._sessions, held, visitor, now, proof=proof
        )


async def begin_staff_session(
    connection: AsyncConnection,
    sessions: Sessions,
    held: StaffRow,
    visitor: Visitor,
    now: datetime,
    *,
    proof: str,
) -> Begun:
    """Begin a whole session, with an id of its own; what the browser had until now ends."""
    await repository.change_staff(connection, held.id, signed_in_at=now)
    begun = await sessions.begin(connection, SessionKind.STAFF, held.id, None, visitor, now)
    await record_of_staff(connection, staff_visiting(held, visitor), signed_in(begun, proof))
    return begun


def staff_visiting(held: StaffRow, visitor: Visitor) -> Actor:
    """Give one of the staff who is not signed in yet, but has proved who it is."""
    return Actor(
        kind=ActorKind.STAFF,
        id=held.id,
        email=held.email,
        address=visitor.address,
        request_id=visitor.request_id,
    )


async def _note(
    connection: AsyncConnection, verb: str, email: str, after: dict[str, str] | None
) -> None:
    await record_of_staff(
        connection, BY_OPERATOR, Noted(f"staff.{verb}", f"staff {email}", after=after)
    )
