"""Rows of signing keys. Every function works in the tenant's transaction that it is given."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.keys.rules import HeldKey
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import KeyState, SigningKey
from shared.runtime.tables.tenant import signing_key


async def add_current_key(connection: AsyncConnection, key: SigningKey) -> None:
    """Add a key that signs at once; an algorithm that has one keeps it."""
    await connection.execute(
        insert(signing_key)
        .values(**_columns(key), state=KeyState.CURRENT, current_at=func.now())
        .on_conflict_do_nothing()
    )


async def add_next_key(
    connection: AsyncConnection, key: SigningKey, signs_at: datetime, now: datetime
) -> None:
    """Add a key that is published, and signs later."""
    await connection.execute(
        insert(signing_key).values(
            **_columns(key), state=KeyState.NEXT, created_at=now, signs_at=signs_at
        )
    )


async def promote_key(
    connection: AsyncConnection, algorithm: Algorithm, kid: Kid, now: datetime
) -> None:
    """Have a next key sign; the one that signed retires."""
    of_algorithm = signing_key.c.algorithm == algorithm
    await connection.execute(
        update(signing_key)
        .where(of_algorithm, signing_key.c.state == KeyState.CURRENT)
        .values(state=KeyState.RETIRED, retired_at=now)
    )
    await connection.execute(
        update(signing_key)
        .where(signing_key.c.kid == kid)
        .values(state=KeyState.CURRENT, current_at=now, signs_at=None)
    )


async def sign_sooner(connection: AsyncConnection, kid: Kid, signs_at: datetime) -> None:
    """Move the time at which a next key is to sign forward."""
    await connection.execute(
        update(signing_key)
        .where(signing_key.c.kid == kid, signing_key.c.signs_at > signs_at)
        .values(signs_at=signs_at)
    )


async def remove_key(connection: AsyncConnection, kid: Kid) -> None:
    await connection.execute(delete(signing_key).where(signing_key.c.kid == kid))


async def replace_sealed(connection: AsyncConnection, kid: Kid, sealed: bytes) -> None:
    await connection.execute(
        update(signing_key).where(signing_key.c.kid == kid).values(sealed=sealed)
    )


async def list_keys(connection: AsyncConnection) -> list[HeldKey]:
    rows = await connection.execute(
        select(
            signing_key.c.kid,
            signing_key.c.algorithm,
            signing_key.c.state,
            signing_key.c.created_at,
            signing_key.c.signs_at,
            signing_key.c.current_at,
            signing_key.c.retired_at,
        ).order_by(signing_key.c.algorithm, signing_key.c.created_at)
    )
    return [msgspec.convert(row, HeldKey) for row in rows.mappings()]


async def sealed_keys(connection: AsyncConnection) -> list[tuple[Kid, bytes]]:
    rows = await connection.execute(select(signing_key.c.kid, signing_key.c.sealed))
    return [(Kid(row.kid), row.sealed) for row in rows]


async def has_current_key(connection: AsyncConnection, algorithm: Algorithm) -> bool:
    found = await connection.scalar(
        select(func.count())
        .select_from(signing_key)
        .where(signing_key.c.algorithm == algorithm, signing_key.c.state == KeyState.CURRENT)
    )
    return bool(found)


def _columns(key: SigningKey) -> dict[str, object]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "jwk": msgspec.to_builtins(key.jwk),
        "sealed": key.sealed,
    }
