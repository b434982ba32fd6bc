"""Rows of people and of the links that were mailed to them. Works in the given transaction."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Text, cast, delete, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.people.rules import LinkPurpose
from shared.runtime.tables.people import mailed_link, person


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    email: str
    password_hash: str | None
    verified_at: datetime | None
    totp_sealed: bytes | None
    totp_last_step: int
    recovery_digests: list[str]
    signed_in_at: datetime | None

    def __repr__(self) -> str:
        return f"PersonRow({self.id!r})"


async def add_person(
    connection: AsyncConnection, person_id: str, email: str, password_hash: str | None
) -> bool:
    """Add the person; False where the address is taken."""
    added = await connection.execute(
        upsert(person)
        .values(id=person_id, email=email, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(person.c.id)
    )
    return added.first() is not None


async def find_by_email(connection: AsyncConnection, email: str) -> PersonRow | None:
    return await _find(connection, person.c.email == email)


async def find_person(connection: AsyncConnection, person_id: str) -> PersonRow | None:
    return await _find(connection, person.c.id == person_id)


async def change_person(connection: AsyncConnection, person_id: str, **values: Any) -> None:
    await connection.execute(update(person).where(person.c.id == person_id).values(**values))


async def spend_step(connection: AsyncConnection, person_id: str, step: int) -> bool:
    """Note the time step whose code was used; False where it, or a later one, was used before."""
    spent = await connection.execute(
        update(person)
        .where(person.c.id == person_id, person.c.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(person.c.id)
    )
    return spent.first() is not None


async def spend_recovery_code(
    connection: AsyncConnection, person_id: str, digests: list[str]
) -> bool:
    """Take out the recovery code, by whichever of its digests is kept; False where none is."""
    kept, digest = person.c.recovery_digests, cast(digests, ARRAY(Text))
    spent = await connection.execute(
        update(person)
        .where(person.c.id == person_id, kept.has_any(digest))
        .values(recovery_digests=kept.op("-")(digest))
        .returning(person.c.id)
    )
    return spent.first() is not None


async def add_link(
    connection: AsyncConnection,
    digest: bytes,
    person_id: str,
    purpose: LinkPurpose,
    expires_at: datetime,
) -> None:
    """Keep a link; those of the same purpose from before are good no more."""
    await connection.execute(
        delete(mailed_link).where(
            mailed_link.c.person_id == person_id, mailed_link.c.purpose == purpose
        )
    )
    await connection.execute(
        insert(mailed_link).values(
            digest=digest, person_id=person_id, purpose=purpose, expires_at=expires_at
        )
    )


async def remove_links(connection: AsyncConnection, person_id: str) -> None:
    """End the links that were mailed before: one may lie in a mailbox that others read."""
    await connection.execute(delete(mailed_link).where(mailed_link.c.person_id == person_id))


async def spend_link(
    connection: AsyncConnection, digest: bytes, purpose: LinkPurpose, now: datetime
) -> str | None:
    """Use the link up and give whose it is. Of two at once, one succeeds: the row goes once."""
    spent = await connection.execute(
        delete(mailed_link)
        .where(
            mailed_link.c.digest == digest,
            mailed_link.c.purpose == purpose,
            mailed_link.c.expires_at > now,
        )
        .returning(mailed_link.c.person_id)
    )
    row = spent.first()
    return None if row is None else str(row.person_id)


async def has_link(
    connection: AsyncConnection, digest: bytes, purpose: LinkPurpose, now: datetime
) -> bool:
    """Tell whether the link is good, without using it up: some programs open what is mailed."""
    found = await connection.execute(
        select(mailed_link.c.person_id).where(
            mailed_link.c.digest == digest,
            mailed_link.c.purpose == purpose,
            mailed_link.c.expires_at > now,
        )
    )
    return found.first() is not None


async def has_people(connection: AsyncConnection) -> bool:
    """Tell whether anybody has signed up."""
    return await connection.scalar(select(person.c.id).limit(1)) is not None


async def find_unverified(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Lock and name some who came before then and never confirmed their address.

    One who is confirming it in this moment holds the row, and is passed over.
    """
    rows = await connection.execute(
        select(person.c.id)
        .where(person.c.verified_at.is_(None), person.c.created_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [row.id for row in rows]


async def remove_people(connection: AsyncConnection, ids: list[str]) -> None:
    """Remove them with their sessions, links and memberships."""
    await connection.execute(delete(person).where(person.c.id.in_(ids)))


async def _find(connection: AsyncConnection, condition: Any) -> PersonRow | None:
    found = await connection.execute(
        select(*(person.c[name] for name in PersonRow.__struct_fields__)).where(condition)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, PersonRow)
