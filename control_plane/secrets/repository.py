"""Rows of clients' secrets, and of their last use.

Every function works in the tenant's transaction that it is given.
"""

from collections.abc import Collection
from datetime import timedelta

import msgspec
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.secrets.rules import AskedSecret, KeptSecret
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.runtime.secrets import NewSecret
from shared.runtime.tables.ledger import secret_use
from shared.runtime.tables.tenant import client, client_secret


async def auth_method_of(connection: AsyncConnection, client_id: ClientId) -> AuthMethod | None:
    """Say how the client proves itself, or None where there is no such client."""
    found = await connection.scalar(
        select(client.c.auth_method).where(client.c.client_id == client_id)
    )
    return None if found is None else AuthMethod(found)


async def list_secrets(connection: AsyncConnection, client_id: ClientId) -> list[KeptSecret]:
    """List the client's secrets, the oldest first; also those that have ended by themselves."""
    rows = await connection.execute(
        select(
            client_secret.c.name,
            client_secret.c.last_four,
            client_secret.c.created_at,
            client_secret.c.created_by,
            client_secret.c.expires_at,
            client_secret.c.replaced_by,
            secret_use.c.used_at,
            secret_use.c.address.label("used_from"),
        )
        .outerjoin(secret_use, secret_use.c.digest == client_secret.c.digest)
        .where(client_secret.c.client_id == client_id)
        .order_by(client_secret.c.created_at, client_secret.c.name)
    )
    return [msgspec.convert(row, KeptSecret) for row in rows.mappings()]


async def add_secret(
    connection: AsyncConnection, client_id: ClientId, secret: NewSecret, asked: AskedSecret
) -> None:
    """Add the secret, under the name that `asked` has by now."""
    lasts = None if asked.expires_in is None else timedelta(seconds=asked.expires_in)
    await connection.execute(
        insert(client_secret).values(
            digest=secret.held.digest,
            client_id=client_id,
            pepper_id=secret.held.pepper_id,
            last_four=secret.last_four,
            name=asked.name,
            created_by=asked.created_by,
            expires_at=None if lasts is None else func.now() + lasts,
        )
    )


async def replace_secrets(
    connection: AsyncConnection, client_id: ClientId, by: str, overlap: int
) -> None:
    """End all of them `overlap` seconds from now; those that end sooner still end then.

    Each keeps its former expiry, and the name of the secret that is to stay.
    """
    end = func.now() + timedelta(seconds=overlap)
    await connection.execute(
        update(client_secret)
        .where(client_secret.c.client_id == client_id)
        .values(
            expires_at=func.least(client_secret.c.expires_at, end),  # least() passes over NULL
            former_expiry=client_secret.c.expires_at,
            replaced_by=by,
        )
    )


async def restore_secrets(connection: AsyncConnection, client_id: ClientId) -> None:
    """Give the replaced ones their former expiry back."""
    await connection.execute(
        update(client_secret)
        .where(client_secret.c.client_id == client_id, client_secret.c.replaced_by.is_not(None))
        .values(expires_at=client_secret.c.former_expiry, former_expiry=None, replaced_by=None)
    )


async def remove_secrets(
    connection: AsyncConnection, client_id: ClientId, names: Collection[str]
) -> None:
    await _remove(connection, client_id, client_secret.c.name.in_(names))


async def forget_uses(connection: AsyncConnection) -> None:
    """Forget when and from where the tenant's secrets were used, before the tenant goes."""
    await connection.execute(delete(secret_use))


async def remove_ended(connection: AsyncConnection, client_id: ClientId) -> None:
    """Remove those whose time is over; what is left is live."""
    await _remove(connection, client_id, client_secret.c.expires_at <= func.now())


async def _remove(
    connection: AsyncConnection, client_id: ClientId, which: ColumnElement[bool]
) -> None:
    """Remove secrets of the client, with what is known of their use."""
    gone = await connection.scalars(
        delete(client_secret)
        .where(client_secret.c.client_id == client_id, which)
        .returning(client_secret.c.digest)
    )
    await connection.execute(delete(secret_use).where(secret_use.c.digest.in_(gone.all())))
