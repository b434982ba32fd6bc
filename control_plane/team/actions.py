"""Inviting people to an account, changing their roles and removing them.

The account's row is locked before anything is counted: two owners who remove each other at once do
not leave an account without one, and of many invitations the last that fits is one. The role of
whoever acts is read under that lock too: what they may is what they may now.
"""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository as accounts
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import Actor, Noted
from control_plane.limits.repository import lock_account
from control_plane.mail.rules import Letter
from control_plane.members import repository
from control_plane.members.repository import InvitationRow, MemberRow
from control_plane.members.rules import ROLE_NAMES, Role, RoleRefused, check_role_change
from control_plane.people.rules import normal_email
from control_plane.sessions.actions import Sessions, digest_of
from control_plane.team import letters
from control_plane.team.rules import (
    INVITED_FOR,
    InvitationRefused,
    UnknownMember,
    check_seat,
    seats_of,
)
from shared.domain.plan import HeldLimits
from shared.runtime.database import Database

QueueLetter = Callable[[AsyncConnection, Letter], Awaitable[None]]

_NO_MEMBER = "the account has no such member"


class Team(msgspec.Struct, frozen=True, kw_only=True):
    members: list[MemberRow]
    invitations: list[InvitationRow]
    seats: int | None  # None: nothing bounds them

    @property
    def taken(self) -> int:
        return len(self.members) + len(self.invitations)


class TeamKeeper:
    def __init__(
        self, database: Database, sessions: Sessions, queue: QueueLetter, console_url: str
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._queue = queue
        self._console_url = console_url

    async def show(self, account_id: str, now: datetime) -> Team:
        async with self._database.control() as connection:
            limits = await accounts.find_limits(connection, account_id)
            return Team(
                members=await repository.list_members(connection, account_id),
                invitations=await repository.list_invitations(connection, account_id, now),
                seats=None if limits is None else seats_of(limits),
            )

    async def invite(
        self, account_id: str, email: str, role: Role, by: Actor, now: datetime
    ) -> None:
        """Invite an address; who is invited already gets another link, and the former ends.

        Raises InvalidEmail, RoleRefused, SeatsTaken or InvitationRefused.
        """
        to = normal_email(email)
        token = secrets.token_urlsafe(32)
        async with self._database.control() as connection:
            held = await _lock(connection, account_id)
            acting = await _acting(connection, account_id, by)
            check_role_change(acting, Role.READ_ONLY, role, owners=1)
            await _check_room(connection, account_id, to, held, now)
            new = InvitationRow(
                account_id=account_id,
                email=to,
                role=role,
                invited_by=by.id,
                created_at=now,
                expires_at=now + INVITED_FOR,
            )
            await repository.add_invitation(connection, digest_of(token), new)
            noted = Noted("member.invite", f"member {to}", after={"role": role})
            await record_of_account(connection, account_id, by, noted)
            await self._queue(connection, await self._letter(connection, new, by, token))

    async def withdraw(self, account_id: str, email: str, by: Actor) -> None:
        """Raises RoleRefused or UnknownMember."""
        async with self._database.control() as connection:
            await _lock(connection, account_id)
            acting = await _acting(connection, account_id, by)
            check_role_change(acting, Role.READ_ONLY, None, owners=1)
            if not await repository.remove_invitation(connection, account_id, email):
                raise UnknownMember("the account has no such invitation")
            noted = Noted("member.withdraw", f"member {email}")
            await record_of_account(connection, account_id, by, noted)

    async def change_role(self, account_id: str, person_id: str, to: Role, by: Actor) -> None:
        """Give a member another role; their sessions in the account end.

        Raises RoleRefused or UnknownMember.
        """
        async with self._database.control() as connection:
            held = await _change(connection, account_id, person_id, to, by)
            await repository.set_role(connection, account_id, person_id, to)
            before, after = {"role": held}, {"role": to}
            noted = Noted("member.change_role", f"member {person_id}", before, after)
            await record_of_account(connection, account_id, by, noted)
            await self._sessions.end_in(connection, person_id, account_id)

    async def remove(self, account_id: str, person_id: str, by: Actor) -> None:
        """Remove a member; their sessions in the account end. Raises as change_role."""
        async with self._database.control() as connection:
            held = await _change(connection, account_id, person_id, None, by)
            await repository.remove_member(connection, account_id, person_id)
            noted = Noted("member.remove", f"member {person_id}", before={"role": held})
            await record_of_account(connection, account_id, by, noted)
            await self._sessions.end_in(connection, person_id, account_id)

    async def _letter(
        self, connection: AsyncConnection, new: InvitationRow, by: Actor, token: str
    ) -> Letter:
        account = await accounts.find_account(connection, new.account_id)
        return letters.invitation(
            new.email,
            console_url=self._console_url,
            account="" if account is None else account.name,
            role=ROLE_NAMES[new.role],
            inviter=by.name,
            token=token,
        )


async def _lock(connection: AsyncConnection, account_id: str) -> HeldLimits:
    held = await lock_account(connection, account_id)
    if held is None:
        raise UnknownMember(_NO_MEMBER)
    return held


async def _acting(connection: AsyncConnection, account_id: str, by: Actor) -> Role:
    role = await repository.find_role(connection, account_id, by.id)
    if role is None:
        raise RoleRefused("you are no member of this account")
    return role


async def _change(
    connection: AsyncConnection, account_id: str, person_id: str, to: Role | None, by: Actor
) -> Role:
    """Check the change of a member's role, or their removal, and give the role they have."""
    await _lock(connection, account_id)
    acting = await _acting(connection, account_id, by)
    held = await repository.find_role(connection, account_id, person_id)
    if held is None:
        raise UnknownMember(_NO_MEMBER)
    check_role_change(acting, held, to, await repository.count_owners(connection, account_id))
    return held


async def _check_room(
    connection: AsyncConnection, account_id: str, email: str, held: HeldLimits, now: datetime
) -> None:
    if await repository.is_member_by_email(connection, account_id, email):
        raise InvitationRefused("this person is a member already")
    invited = await repository.list_invitations(connection, account_id, now)
    others = [each for each in invited if each.email != email]
    members = await repository.count_members(connection, account_id)
    check_seat(seats_of(held), members + len(others))
