"""Rows of members and of invitations. Works in the transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.members.rules import Role
from shared.domain.suspension import SuspensionKind
from shared.runtime.tables.control import account
from shared.runtime.tables.people import invitation, member, passkey, person


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    person_id: str
    email: str
    role: Role
    created_at: datetime
    signed_in_at: datetime | None
    has_second_factor: bool


class MembershipRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a member of one account, with what the frame of every page shows."""

    email: str
    role: Role | None
    account_name: str
    plan: str
    suspended: SuspensionKind | None = None  # the account, by support


class InvitationRow(msgspec.Struct, frozen=True, kw_only=True):
    account_id: str
    email: str
    role: Role
    invited_by: str  # a person's id
    created_at: datetime
    expires_at: datetime


class AccountOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    account_id: str
    name: str
    role: Role


_HAS_PASSKEY = exists().where(passkey.c.person_id == person.c.id)
_INVITATION = [invitation.c[name] for name in InvitationRow.__struct_fields__]


async def add_member(
    connection: AsyncConnection, account_id: str, person_id: str, role: Role
) -> None:
    await connection.execute(
        insert(member).values(account_id=account_id, person_id=person_id, role=role)
    )


async def first_account_of(connection: AsyncConnection, person_id: str) -> str | None:
    """Give the account that a person meets on signing in: the one they joined first."""
    found = await connection.scalar(
        select(member.c.account_id)
        .where(member.c.person_id == person_id)
        .order_by(member.c.created_at, member.c.account_id)
        .limit(1)
    )
    return None if found is None else str(found)


async def find_membership(
    connection: AsyncConnection, person_id: str, account_id: str | None
) -> MembershipRow | None:
    """Find the person; role and account are empty where they are no member of it (any more)."""
    found = await connection.execute(
        select(
            person.c.email,
            member.c.role,
            func.coalesce(account.c.name, "").label("account_name"),
            func.coalesce(account.c.plan, "").label("plan"),
            account.c.suspended,
        )
        .select_from(person)
        .outerjoin(
            member, (member.c.person_id == person.c.id) & (member.c.account_id == account_id)
        )
        .outerjoin(account, account.c.id == member.c.account_id)
        .where(person.c.id == person_id)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, MembershipRow)


async def list_members(connection: AsyncConnection, account_id: str) -> list[MemberRow]:
    rows = await connection.execute(
        select(
            member.c.person_id,
            person.c.email,
            member.c.role,
            member.c.created_at,
            person.c.signed_in_at,
            (person.c.totp_sealed.isnot(None) | _HAS_PASSKEY).label("has_second_factor"),
        )
        .join(person, person.c.id == member.c.person_id)
        .where(member.c.account_id == account_id)
        .order_by(person.c.email)
    )
    return [msgspec.convert(row, MemberRow) for row in rows.mappings()]


async def find_role(connection: AsyncConnection, account_id: str, person_id: str) -> Role | None:
    """Give the person's role in the account; None where they are no member of it."""
    found = await connection.scalar(
        select(member.c.role).where(
            member.c.account_id == account_id, member.c.person_id == person_id
        )
    )
    return None if found is None else Role(found)


async def count_members(connection: AsyncConnection, account_id: str) -> int:
    counted = await connection.scalar(
        select(func.count()).select_from(member).where(member.c.account_id == account_id)
    )
    return counted or 0


async def count_owners(connection: AsyncConnection, account_id: str) -> int:
    counted = await connection.scalar(
        select(func.count()).where(member.c.account_id == account_id, member.c.role == Role.OWNER)
    )
    return counted or 0


async def set_role(
    connection: AsyncConnection, account_id: str, person_id: str, role: Role
) -> None:
    await connection.execute(
        update(member)
        .where(member.c.account_id == account_id, member.c.person_id == person_id)
        .values(role=role)
    )


async def remove_member(connection: AsyncConnection, account_id: str, person_id: str) -> None:
    await connection.execute(
        delete(member).where(member.c.account_id == account_id, member.c.person_id == person_id)
    )


async def is_member_by_email(connection: AsyncConnection, account_id: str, email: str) -> bool:
    found = await connection.execute(
        select(member.c.person_id)
        .join(person, person.c.id == member.c.person_id)
        .where(member.c.account_id == account_id, person.c.email == email)
    )
    return found.first() is not None


async def accounts_of(connection: AsyncConnection, person_id: str) -> list[AccountOfPerson]:
    """List the accounts that the person is a member of, by name."""
    rows = await connection.execute(
        select(member.c.account_id, account.c.name, member.c.role)
        .join(account, account.c.id == member.c.account_id)
        .where(member.c.person_id == person_id)
        .order_by(account.c.name, account.c.id)
    )
    return [msgspec.convert(row, AccountOfPerson) for row in rows.mappings()]


async def add_invitation(connection: AsyncConnection, digest: bytes, new: InvitationRow) -> None:
    """Keep it; the one that the address had from before is good no more."""
    values = {"digest": digest, **msgspec.structs.asdict(new)}
    await connection.execute(
        upsert(invitation)
        .values(**values)
        .on_conflict_do_update(index_elements=["account_id", "email"], set_=values)
    )


async def list_invitations(
    connection: AsyncConnection, account_id: str, now: datetime
) -> list[InvitationRow]:
    """List those that are still good."""
    rows = await connection.execute(
        select(*_INVITATION)
        .where(invitation.c.account_id == account_id, invitation.c.expires_at > now)
        .order_by(invitation.c.email)
    )
    return [msgspec.convert(row, InvitationRow) for row in rows.mappings()]


async def find_invitation(
    connection: AsyncConnection, digest: bytes, now: datetime
) -> InvitationRow | None:
    found = await connection.execute(
        select(*_INVITATION).where(invitation.c.digest == digest, invitation.c.expires_at > now)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, InvitationRow)


async def spend_invitation(
    connection: AsyncConnection, digest: bytes, now: datetime
) -> InvitationRow | None:
    """Use it up. Of two at once, one succeeds: the row goes once."""
    spent = await connection.execute(
        delete(invitation)
        .where(invitation.c.digest == digest, invitation.c.expires_at > now)
        .returning(*_INVITATION)
    )
    row = spent.mappings().first()
    return None if row is None else msgspec.convert(row, InvitationRow)


async def remove_invitation(connection: AsyncConnection, account_id: str, email: str) -> bool:
    removed = await connection.execute(
        delete(invitation)
        .where(invitation.c.account_id == account_id, invitation.c.email == email)
        .returning(invitation.c.email)
    )
    return removed.first() is not None


async def accounts_of_people(connection: AsyncConnection, people: list[str]) -> list[str]:
    """Name the accounts that any of these people is a member of."""
    rows = await connection.execute(
        select(member.c.account_id).where(member.c.person_id.in_(people)).distinct()
    )
    return [row.account_id for row in rows]
