"""Signing up, confirming an address, signing in and choosing a new password.

Whether an address is known shows in no answer and in no time: the same work is done, the same page
comes, and the difference is in a letter (hostile-inputs.md I13).
"""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository as accounts
from control_plane.accounts.rules import check_name
from control_plane.audit.acting import visiting
from control_plane.audit.actions import record_of_account, record_of_person
from control_plane.audit.rules import Noted
from control_plane.mail.rules import Letter
from control_plane.members import repository as members
from control_plane.members.rules import Role
from control_plane.people import letters, repository
from control_plane.people.passwords import Passwords
from control_plane.people.repository import PersonRow
from control_plane.people.rules import LinkPurpose, check_password, normal_email
from control_plane.sessions.actions import Begun, Sessions, Visitor, digest_of
from control_plane.sessions.rules import SessionKind
from shared.domain.refused import Refused
from shared.runtime.database import Database

_VERIFY_WITHIN = timedelta(days=2)
_RESET_WITHIN = timedelta(hours=1)

QueueLetter = Callable[[AsyncConnection, Letter], Awaitable[None]]


class SignInRefused(Refused):
    """Address and password do not belong together, in these words whatever was wrong."""


class LinkRefused(Refused):
    """The link is too old, was used, or was never ours."""


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    password: str
    account: str

    def __repr__(self) -> str:
        return "SignUp(…)"


class PeopleKeeper:
    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        passwords: Passwords,
        queue: QueueLetter,
        console_url: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._queue = queue
        self._console_url = console_url

    async def sign_up(self, asked: SignUp, visitor: Visitor, now: datetime) -> None:
        """Make the person, the account and its owner. Raises InvalidEmail, WeakPassword,
        InvalidAccount; not where the address is known.
        """
        email = normal_email(asked.email)
        check_password(asked.password, email)
        check_name(asked.account)
        password_hash = await self._passwords.digest(asked.password)
        person_id, account_id = f"p_{secrets.token_hex(8)}", f"a_{secrets.token_hex(8)}"
        async with self._database.control() as connection:
            if await repository.add_person(connection, person_id, email, password_hash):
                await accounts.add_account(connection, account_id, asked.account)
                await members.add_member(connection, account_id, person_id, Role.OWNER)
                by = visiting(person_id, email, visitor)
                noted = Noted(
                    "account.create", f"account {account_id}", after={"name": asked.account}
                )
                await record_of_account(connection, account_id, by, noted)
                token = await _link(connection, person_id, LinkPurpose.VERIFY, now + _VERIFY_WITHIN)
                letter = letters.verification(email, self._console_url, token)
            else:
                letter = letters.already_registered(email, self._console_url)
            await self._queue(connection, letter)

    async def send_verification_again(self, email: str, now: datetime) -> None:
        """Send another link to a person who has not confirmed the address yet."""
        async with self._database.control() as connection:
            person = await repository.find_by_email(connection, normal_email(email))
            if person is not None and person.verified_at is None:
                token = await _link(connection, person.id, LinkPurpose.VERIFY, now + _VERIFY_WITHIN)
                await self._queue(
                    connection, letters.verification(person.email, self._console_url, token)
                )

    async def verify(self, token: str, visitor: Visitor, now: datetime) -> Begun:
        """Confirm the address of the link, and sign in. Raises LinkRefused."""
        async with self._database.control() as connection:
            digest = digest_of(token)
            person_id = await repository.spend_link(connection, digest, LinkPurpose.VERIFY, now)
            if person_id is None:
                raise LinkRefused("this link is too old or was used already")
            await repository.change_person(connection, person_id, verified_at=now)
            person = await repository.find_person(connection, person_id)
            if person is None:
                raise LinkRefused("this link is too old or was used already")
            by, target = visiting(person_id, person.email, visitor), f"person {person_id}"
            await record_of_person(connection, by, Noted("person.confirm_address", target))
            kind = whole_or_half(person, SessionKind.CONSOLE)
            return await self.begin_signed_in(connection, person, kind, visitor, now, proof="link")

    async def sign_in(
        self, email: str, password: str, kind: SessionKind, visitor: Visitor, now: datetime
    ) -> Begun:
        """Begin a session, or half of one where a second factor is set up.

        Raises SignInRefused.
        """
        person = await self._find(email)
        held = None if person is None else person.password_hash
        right = await self._passwords.is_right(held, password)
        if person is None or not right or person.verified_at is None:
            raise SignInRefused("the address or the password is not right, or not confirmed yet")
        async with self._database.control() as connection:
            wanted = whole_or_half(person, kind)
            return await self.begin_signed_in(
                connection, person, wanted, visitor, now, proof="password"
            )

    async def begin_signed_in(
        self,
        connection: AsyncConnection,
        person: PersonRow,
        kind: SessionKind,
        visitor: Visitor,
        now: datetime,
        *,
        proof: str,
    ) -> Begun:
        """Begin a session of who has proved who they are; half of one is in no log."""
        await repository.change_person(connection, person.id, signed_in_at=now)
        account_id = await members.first_account_of(connection, person.id)
        begun = await self._sessions.begin(connection, kind, person.id, account_id, visitor, now)
        if kind is not SessionKind.HALF:
            by = visiting(person.id, person.email, visitor)
            await record_of_person(connection, by, signed_in(begun, proof))
        return begun

    async def note_refused(self, email: str, visitor: Visitor, proof: str) -> None:
        """Record that somebody failed to sign in as this person, if there is one.

        After the answer: its time tells nobody whether the address is known.
        """
        async with self._database.control() as connection:
            person = await repository.find_by_email(connection, email)
            if person is not None:
                by = visiting(person.id, person.email, visitor)
                await record_of_person(connection, by, refused(person.id, proof))

    async def sign_out(self, visitor: Visitor) -> None:
        """End the visitor's session."""
        async with self._database.control() as connection:
            held = await self._sessions.held(connection, visitor.token)
            if held is None:
                return
            person = await repository.find_person(connection, held.person_id)
            if person is not None:
                by = visiting(person.id, person.email, visitor)
                noted = Noted("session.end", f"session {held.public_id}")
                await record_of_person(connection, by, noted)
            await self._sessions.end(connection, visitor.token)

    async def ask_reset(self, email: str, now: datetime) -> None:
        """Mail a link with which to choose a new password, if there is such a person."""
        person = await self._find(email)
        if person is None:
            return
        async with self._database.control() as connection:
            token = await _link(connection, person.id, LinkPurpose.RESET, now + _RESET_WITHIN)
            await self._queue(
                connection, letters.password_reset(person.email, self._console_url, token)
            )

    async def reset(self, token: str, password: str, visitor: Visitor, now: datetime) -> None:
        """Choose a new password by a mailed link; every session of the person ends.

        Raises LinkRefused or WeakPassword; a weak password does not use the link up.
        """
        digest = digest_of(token)
        async with self._database.control() as connection:
            if not await repository.has_link(connection, digest, LinkPurpose.RESET, now):
                raise LinkRefused("this link is too old or was used already")
        check_password(password, "@")
        password_hash = await self._passwords.digest(password)
        async with self._database.control() as connection:
            person_id = await repository.spend_link(connection, digest, LinkPurpose.RESET, now)
            if person_id is None:
                raise LinkRefused("this link is too old or was used already")
            await repository.change_person(
                connection, person_id, password_hash=password_hash, verified_at=now
            )
            await repository.remove_links(connection, person_id)
            person = await repository.find_person(connection, person_id)
            if person is not None:
                by = visiting(person.id, person.email, visitor)
                noted = Noted("person.reset_password", f"person {person.id}")
                await record_of_person(connection, by, noted)
                await self._queue(
                    connection, letters.password_changed(person.email, self._console_url)
                )
            await self._sessions.end_all(connection, person_id)

    async def _find(self, email: str) -> PersonRow | None:
        async with self._database.control() as connection:
            return await repository.find_by_email(connection, email.strip().lower())


def whole_or_half(person: PersonRow | None, wanted: SessionKind) -> SessionKind:
    """Give the kind of session that one proof begins: half of one, where a second is asked for."""
    has_second = person is None or person.totp_sealed is not None
    return SessionKind.HALF if has_second else wanted


async def _link(
    connection: AsyncConnection, person_id: str, purpose: LinkPurpose, expires_at: datetime
) -> str:
    token = secrets.token_urlsafe(32)
    await repository.add_link(connection, digest_of(token), person_id, purpose, expires_at)
    return token


def refused(person_id: str, proof: str) -> Noted:
    return Noted("session.refuse", f"person {person_id}", after={"proof": proof})


def signed_in(begun: Begun, proof: str) -> Noted:
    """Say it as the log has it."""
    session = begun.session
    after = {"kind": session.kind, "proof": proof}
    return Noted("session.begin", f"session {session.public_id}", after=after)


async def remove_unconfirmed(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove some who came before then and never confirmed their address, and their accounts.

    An account stays where others are members of it, or it has a tenant.
    """
    late = await repository.find_unverified(connection, before, limit)
    held = await members.accounts_of_people(connection, late)
    await repository.remove_people(connection, late)
    await accounts.remove_empty(connection, held)
    return len(late)
