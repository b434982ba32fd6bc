"""Rows of passkeys. Works in the transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.tables.people import passkey


class PasskeyRow(msgspec.Struct, frozen=True, kw_only=True):
    credential_id: bytes
    person_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None

    @property
    def public_id(self) -> str:
        """Name it in a form."""
        return self.credential_id.hex()


_COLUMNS = [passkey.c[name] for name in PasskeyRow.__struct_fields__]


async def add_passkey(connection: AsyncConnection, new: PasskeyRow) -> bool:
    """Add the passkey; False where it is there already, whosever it is."""
    added = await connection.execute(
        insert(passkey)
        .values(**msgspec.structs.asdict(new))
        .on_conflict_do_nothing()
        .returning(passkey.c.credential_id)
    )
    return added.first() is not None


async def find_passkey(connection: AsyncConnection, credential_id: bytes) -> PasskeyRow | None:
    found = await connection.execute(
        select(*_COLUMNS).where(passkey.c.credential_id == credential_id)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, PasskeyRow)


async def passkeys_of(connection: AsyncConnection, person_id: str) -> list[PasskeyRow]:
    rows = await connection.execute(
        select(*_COLUMNS)
        .where(passkey.c.person_id == person_id)
        .order_by(passkey.c.created_at)
        .limit(100)
    )
    return [msgspec.convert(row, PasskeyRow) for row in rows.mappings()]


async def use_passkey(
    connection: AsyncConnection,
    credential_id: bytes,
    sign_count: int,
    asked_at: datetime,
    now: datetime,
) -> bool:
    """Note the use; False where it was used since the challenge was made: that one is spent."""
    used = await connection.execute(
        update(passkey)
        .where(
            passkey.c.credential_id == credential_id,
            or_(passkey.c.used_at.is_(None), passkey.c.used_at < asked_at),
        )
        .values(sign_count=sign_count, used_at=now)
        .returning(passkey.c.credential_id)
    )
    return used.first() is not None


async def remove_passkey(connection: AsyncConnection, person_id: str, credential_id: bytes) -> bool:
    removed = await connection.execute(
        delete(passkey)
        .where(passkey.c.person_id == person_id, passkey.c.credential_id == credential_id)
        .returning(passkey.c.credential_id)
    )
    return removed.first() is not None
