"""The life of a client's secrets, one transaction for each verb.

A rotation is open from its start until it is finished or cancelled, or the last replaced secret
has ended. Each verb raises UnknownTenant, UnknownSecret or SecretRefused.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record
from control_plane.audit.rules import BY_OPERATOR, Actor, Facts, Noted
from control_plane.publishing.snapshots import edit_tenant
from control_plane.secrets import repository
from control_plane.secrets.rules import (
    AskedSecret,
    KeptSecret,
    check_expiry,
    check_method,
    check_no_rotation,
    check_overlap,
    check_revocable,
    check_room,
    choose_name,
    ended_by_cancelling,
    ended_by_finishing,
)
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId, TenantId
from shared.domain.refused import Refused
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.secrets import make_client_secret


class UnknownSecret(Refused):
    """The tenant has no such client, or the client no such secret."""


class MadeSecret(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    name: str
    client_secret: str  # shown once


async def add_secret(
    database: Database,
    peppers: tuple[Key, ...],
    tenant: TenantId,
    client_id: ClientId,
    asked: AskedSecret,
    by: Actor = BY_OPERATOR,
) -> MadeSecret:
    """Give the client one more secret."""
    check_expiry(asked.expires_in)
    async with edit_tenant(database, tenant) as connection:
        check_method(await _method(connection, client_id))
        held = await _live(connection, client_id)
        check_room(held)
        named = _named(held, asked)
        await record(connection, by, _noted("add", client_id, after=_facts_of(named)))
        return await _make(connection, peppers, client_id, named)


async def list_secrets(
    database: Database, tenant: TenantId, client_id: ClientId
) -> list[KeptSecret]:
    """List the client's secrets, the oldest first; also those that have ended by themselves."""
    async with database.tenant(tenant) as connection:
        await _method(connection, client_id)
        return await repository.list_secrets(connection, client_id)


async def revoke_secret(
    database: Database,
    tenant: TenantId,
    client_id: ClientId,
    name: str,
    *,
    even_last: bool = False,
    by: Actor = BY_OPERATOR,
) -> None:
    """End a secret now. Raises LastSecret where no other is live, unless `even_last`."""
    async with edit_tenant(database, tenant) as connection:
        held = await _live(connection, client_id)
        if name not in {each.name for each in held}:
            raise UnknownSecret("the client has no live secret of this name")
        check_revocable(held, name, even_last=even_last)
        await repository.remove_secrets(connection, client_id, [name])
        await record(connection, by, _noted("revoke", client_id, before={"name": name}))


async def start_rotation(  # noqa: PLR0913 - the last says who acts
    database: Database,
    peppers: tuple[Key, ...],
    tenant: TenantId,
    client_id: ClientId,
    asked: AskedSecret,
    overlap: int,
    *,
    by: Actor = BY_OPERATOR,
) -> MadeSecret:
    """Give the client a new secret; its others work for `overlap` more seconds at most.

    With no overlap they end now, and the rotation is over with that.
    """
    check_expiry(asked.expires_in)
    check_overlap(overlap)
    async with edit_tenant(database, tenant) as connection:
        check_method(await _method(connection, client_id))
        held = await _live(connection, client_id)
        check_no_rotation(held)
        named = _named(held, asked)
        await repository.replace_secrets(connection, client_id, named.name, overlap)
        check_room(await _live(connection, client_id))
        after = _facts_of(named) | {"overlap": overlap}
        await record(connection, by, _noted("start_rotation", client_id, after=after))
        return await _make(connection, peppers, client_id, named)


async def finish_rotation(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> list[str]:
    """End the replaced secrets now, and name them."""
    async with edit_tenant(database, tenant) as connection:
        ended = ended_by_finishing(await _live(connection, client_id))
        await repository.remove_secrets(connection, client_id, ended)
        noted = _noted("finish_rotation", client_id, before={"names": ended})
        await record(connection, by, noted)
    return ended


async def cancel_rotation(
    database: Database, tenant: TenantId, client_id: ClientId, by: Actor = BY_OPERATOR
) -> list[str]:
    """End the new secret now, and name it; the replaced ones have their former expiry again."""
    async with edit_tenant(database, tenant) as connection:
        ended = ended_by_cancelling(await _live(connection, client_id))
        await repository.remove_secrets(connection, client_id, ended)
        await repository.restore_secrets(connection, client_id)
        noted = _noted("cancel_rotation", client_id, before={"names": ended})
        await record(connection, by, noted)
    return ended


async def _method(connection: AsyncConnection, client_id: ClientId) -> AuthMethod:
    method = await repository.auth_method_of(connection, client_id)
    if method is None:
        raise UnknownSecret("the tenant has no such client")
    return method


async def _live(connection: AsyncConnection, client_id: ClientId) -> list[KeptSecret]:
    """Remove the secrets that have ended, and give the others."""
    await _method(connection, client_id)
    await repository.remove_ended(connection, client_id)
    return await repository.list_secrets(connection, client_id)


def _named(held: list[KeptSecret], asked: AskedSecret) -> AskedSecret:
    name = choose_name(held, asked.name, datetime.now(UTC).date())
    return msgspec.structs.replace(asked, name=name)


async def _make(
    connection: AsyncConnection, peppers: tuple[Key, ...], client_id: ClientId, named: AskedSecret
) -> MadeSecret:
    secret = make_client_secret(peppers)
    await repository.add_secret(connection, client_id, secret, named)
    return MadeSecret(client_id=client_id, name=named.name, client_secret=secret.text)


def _noted(
    verb: str, client_id: ClientId, *, before: Facts | None = None, after: Facts | None = None
) -> Noted:
    return Noted(f"secret.{verb}", f"client {client_id}", before, after)


def _facts_of(named: AskedSecret) -> dict[str, Any]:
    return {"name": named.name, "expires_in": named.expires_in}
