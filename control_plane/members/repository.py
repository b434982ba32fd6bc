"""Rows of members and of invitations. Works in the transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.members.rules import Role
from shared.runtime.tables.control import account
from shared.runtime.tables.people import member, person


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
            person.c.totp_sealed.isnot(None).label("has_second_factor"),
        )
        .join(person, person.c.id == member.c.person_id)
        .where(member.c.account_id == account_id)
        .order_by(person.c.email)
    )
    return [msgspec.convert(row, MemberRow) for row in rows.mappings()]


async def accounts_of(connection: AsyncConnection, people: list[str]) -> list[str]:
    """Name the accounts that any of these people is a member of."""
    rows = await connection.execute(
        select(member.c.account_id).where(member.c.person_id.in_(people)).distinct()
    )
    return [row.account_id for row in rows]
