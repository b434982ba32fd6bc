"""Rows of staff, how they sign in, their links and grants. Works in the given transaction.

The support login may change how somebody signs in, and the control login who they are.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.passkeys.repository import PasskeyRow
from control_plane.staff.rules import Grant, Opened, StaffRole
from shared.runtime.tables.control import account
from shared.runtime.tables.staff import staff, staff_link, staff_passkey, support_grant


class StaffRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    email: str
    name: str
    role: StaffRole
    password_hash: str | None
    totp_sealed: bytes | None
    totp_last_step: int
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None
    has_passkey: bool

    def __repr__(self) -> str:
        return f"StaffRow({self.id!r})"

    @property
    def is_enrolled(self) -> bool:
        """Tell whether there is a way in."""
        return self.has_passkey or self.totp_sealed is not None


_HAS_PASSKEY = exists().where(staff_passkey.c.staff_id == staff.c.id).label("has_passkey")
_STAFF = [
    *(staff.c[name] for name in StaffRow.__struct_fields__ if name != "has_passkey"),
    _HAS_PASSKEY,
]
_PASSKEY = [
    staff_passkey.c["staff_id" if name == "person_id" else name].label(name)
    for name in PasskeyRow.__struct_fields__
]
_DEFER = text("SELECT control.support_defer(:task, CAST(:arguments AS jsonb))")
_OPENED = select(
    *(support_grant.c[name] for name in Grant.__struct_fields__),
    account.c.name.label("account_name"),
).join(account, account.c.id == support_grant.c.account_id)


async def add_staff(
    connection: AsyncConnection, staff_id: str, email: str, name: str, role: StaffRole
) -> bool:
    """Add a staff account; False where the address is taken. As the control login."""
    added = await connection.execute(
        upsert(staff)
        .values(id=staff_id, email=email, name=name, role=role)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(staff.c.id)
    )
    return added.first() is not None


async def find_staff(connection: AsyncConnection, staff_id: str) -> StaffRow | None:
    return await _find(connection, staff.c.id == staff_id)


async def find_staff_by_email(connection: AsyncConnection, email: str) -> StaffRow | None:
    return await _find(connection, staff.c.email == email)


async def list_staff(connection: AsyncConnection) -> list[StaffRow]:
    """List all, by address: they are few."""
    rows = await connection.execute(select(*_STAFF).order_by(staff.c.email))
    return [msgspec.convert(row, StaffRow) for row in rows.mappings()]


async def change_staff(connection: AsyncConnection, staff_id: str, **values: Any) -> None:
    await connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


async def spend_staff_step(connection: AsyncConnection, staff_id: str, step: int) -> bool:
    """Note the time step whose code was used; False where it, or a later one, was used before."""
    spent = await connection.execute(
        update(staff)
        .where(staff.c.id == staff_id, staff.c.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(staff.c.id)
    )
    return spent.first() is not None


async def add_staff_link(
    connection: AsyncConnection, digest: bytes, staff_id: str, expires_at: datetime
) -> None:
    """Keep a link by which to enrol; the one from before is good no more. As the control login."""
    await remove_staff_links(connection, staff_id)
    await connection.execute(
        insert(staff_link).values(digest=digest, staff_id=staff_id, expires_at=expires_at)
    )


async def remove_staff_links(connection: AsyncConnection, staff_id: str) -> None:
    await connection.execute(delete(staff_link).where(staff_link.c.staff_id == staff_id))


async def find_staff_link(
    connection: AsyncConnection, digest: bytes, now: datetime
) -> StaffRow | None:
    """Give whose link it is, where it is good; it is not used up."""
    of = select(staff_link.c.staff_id).where(
        staff_link.c.digest == digest, staff_link.c.expires_at > now
    )
    return await _find(connection, staff.c.id == of.scalar_subquery())


async def spend_staff_link(connection: AsyncConnection, digest: bytes, now: datetime) -> str | None:
    """Use the link up and give whose it is. Of two at once, one succeeds: the row goes once."""
    spent = await connection.scalar(
        delete(staff_link)
        .where(staff_link.c.digest == digest, staff_link.c.expires_at > now)
        .returning(staff_link.c.staff_id)
    )
    return None if spent is None else str(spent)


async def add_staff_passkey(connection: AsyncConnection, new: PasskeyRow) -> bool:
    """Add the passkey, whose `person_id` is the staff account; False where it is there already."""
    values = msgspec.structs.asdict(new)
    added = await connection.execute(
        upsert(staff_passkey)
        .values(staff_id=values.pop("person_id"), **values)
        .on_conflict_do_nothing()
        .returning(staff_passkey.c.credential_id)
    )
    return added.first() is not None


async def find_staff_passkey(
    connection: AsyncConnection, credential_id: bytes
) -> PasskeyRow | None:
    found = await connection.execute(
        select(*_PASSKEY).where(staff_passkey.c.credential_id == credential_id)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, PasskeyRow)


async def use_staff_passkey(
    connection: AsyncConnection,
    credential_id: bytes,
    sign_count: int,
    asked_at: datetime,
    now: datetime,
) -> bool:
    """Note the use; False where it was used since the challenge was made: that one is spent."""
    unused = or_(staff_passkey.c.used_at.is_(None), staff_passkey.c.used_at < asked_at)
    used = await connection.execute(
        update(staff_passkey)
        .where(staff_passkey.c.credential_id == credential_id, unused)
        .values(sign_count=sign_count, used_at=now)
        .returning(staff_passkey.c.credential_id)
    )
    return used.first() is not None


async def remove_staff_passkeys(connection: AsyncConnection, staff_id: str) -> None:
    """Remove them all, as the control login."""
    await connection.execute(delete(staff_passkey).where(staff_passkey.c.staff_id == staff_id))


async def find_account_name(connection: AsyncConnection, account_id: str) -> str | None:
    """Give the account's name; None where there is no such account."""
    found = await connection.scalar(select(account.c.name).where(account.c.id == account_id))
    return None if found is None else str(found)


async def add_grant(connection: AsyncConnection, new: Grant) -> None:
    await connection.execute(insert(support_grant).values(**msgspec.structs.asdict(new)))


async def find_live_grant(
    connection: AsyncConnection, staff_id: str, account_id: str, now: datetime
) -> Opened | None:
    """Give the one that lives longest."""
    found = await connection.execute(
        _OPENED.where(*_live(staff_id, now), support_grant.c.account_id == account_id)
        .order_by(support_grant.c.ends_at.desc())
        .limit(1)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, Opened)


async def list_live_grants(
    connection: AsyncConnection, staff_id: str, now: datetime
) -> list[Opened]:
    """List them, those first that end last."""
    rows = await connection.execute(
        _OPENED.where(*_live(staff_id, now)).order_by(support_grant.c.ends_at.desc())
    )
    return [msgspec.convert(row, Opened) for row in rows.mappings()]


async def end_grants(
    connection: AsyncConnection, staff_id: str, now: datetime, account_id: str | None = None
) -> int:
    """End the live ones of an account, or all; tell how many there were."""
    of_account = support_grant.c.account_id == account_id
    wanted = _live(staff_id, now) if account_id is None else [*_live(staff_id, now), of_account]
    ended = await connection.execute(
        update(support_grant).where(*wanted).values(ended_at=now).returning(support_grant.c.id)
    )
    return len(ended.all())


async def defer_job(connection: AsyncConnection, task: str, arguments: bytes) -> None:
    """Have the jobs do one of the tasks that support may ask for; `arguments` are JSON."""
    await connection.execute(_DEFER, {"task": task, "arguments": arguments.decode()})


def _live(staff_id: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        support_grant.c.staff_id == staff_id,
        support_grant.c.ended_at.is_(None),
        support_grant.c.ends_at > now,
    ]


async def _find(connection: AsyncConnection, condition: Any) -> StaffRow | None:
    found = await connection.execute(select(*_STAFF).where(condition))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, StaffRow)
