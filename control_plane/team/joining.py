"""Accepting an invitation, as a person we know or a new one, and moving between accounts.

An invitation is for one address: only who has it may accept.
"""

import secrets
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository as accounts
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import Actor, Noted
from control_plane.members import repository
from control_plane.members.repository import AccountOfPerson, InvitationRow
from control_plane.members.rules import ROLE_NAMES
from control_plane.people import repository as people
from control_plane.people.passwords import Passwords
from control_plane.people.rules import check_password
from control_plane.sessions.actions import Begun, Sessions, Visitor, digest_of
from control_plane.sessions.rules import SessionKind
from control_plane.team.rules import InvitationRefused
from shared.runtime.database import Database

_TOO_OLD = "this invitation is too old, was used or was withdrawn"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What an invitation offers."""

    account: str  # its name
    email: str
    role: str
    known: bool  # whether the address has a person already


class Joining:
    def __init__(self, database: Database, sessions: Sessions, passwords: Passwords) -> None:
        self._database = database
        self._sessions = sessions
        self._passwords = passwords

    async def look_at(self, token: str, now: datetime) -> Offer:
        """Raises InvitationRefused."""
        async with self._database.control() as connection:
            held = await repository.find_invitation(connection, digest_of(token), now)
            if held is None:
                raise InvitationRefused(_TOO_OLD)
            account = await accounts.find_account(connection, held.account_id)
            person = await people.find_by_email(connection, held.email)
        return Offer(
            account="" if account is None else account.name,
            email=held.email,
            role=ROLE_NAMES[held.role],
            known=person is not None,
        )

    async def accept(self, token: str, session: str, by: Actor, now: datetime) -> Begun:
        """Join as the person who is signed in, and look at the account. Raises InvitationRefused.

        The invitation of another address stays as it is: the refusal undoes its use.
        """
        async with self._database.control() as connection:
            held = await _spend(connection, token, now)
            if held.email != by.email:
                raise InvitationRefused("this invitation is for another address")
            await _join(connection, held, by)
            begun = await self._sessions.move(connection, session, held.account_id, now)
            if begun is None:
                raise InvitationRefused("sign in again, and open the link once more")
        return begun

    async def join(
        self, token: str, password: str, by: Actor, visitor: Visitor, now: datetime
    ) -> Begun:
        """Join as a new person, whose address the link proves. `by` has no id yet.

        Raises InvitationRefused or WeakPassword; a weak password does not use the invitation up.
        """
        offer = await self.look_at(token, now)
        check_password(password, offer.email)
        password_hash = await self._passwords.digest(password)
        person_id = f"p_{secrets.token_hex(8)}"
        async with self._database.control() as connection:
            held = await _spend(connection, token, now)
            if not await people.add_person(connection, person_id, held.email, password_hash):
                raise InvitationRefused("this address has a sign-in: use it, then open the link")
            await people.change_person(connection, person_id, verified_at=now, signed_in_at=now)
            acting = msgspec.structs.replace(by, id=person_id, email=held.email)
            await _join(connection, held, acting)
            return await self._sessions.begin(
                connection, SessionKind.CONSOLE, person_id, held.account_id, visitor, now
            )

    async def accounts_of(self, person_id: str) -> list[AccountOfPerson]:
        async with self._database.control() as connection:
            return await repository.accounts_of(connection, person_id)

    async def switch(self, by: Actor, session: str, account_id: str, now: datetime) -> Begun | None:
        """Look at another account of the person's; None where it is none of theirs."""
        async with self._database.control() as connection:
            if await repository.find_role(connection, account_id, by.id) is None:
                return None
            begun = await self._sessions.move(connection, session, account_id, now)
            if begun is not None:
                noted = Noted("session.switch", f"session {begun.session.public_id}")
                await record_of_account(connection, account_id, by, noted)
            return begun


async def _spend(connection: AsyncConnection, token: str, now: datetime) -> InvitationRow:
    held = await repository.spend_invitation(connection, digest_of(token), now)
    if held is None:
        raise InvitationRefused(_TOO_OLD)
    return held


async def _join(connection: AsyncConnection, held: InvitationRow, by: Actor) -> None:
    if await repository.find_role(connection, held.account_id, by.id) is not None:
        raise InvitationRefused("you are a member of this account already")
    await repository.add_member(connection, held.account_id, by.id, held.role)
    noted = Noted("member.join", f"member {by.id}", after={"role": held.role})
    await record_of_account(connection, held.account_id, by, noted)
