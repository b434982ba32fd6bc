"""Clients of a tenant, and their secrets."""

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from control_plane.clients import actions
from control_plane.clients.actions import RegisteredClient
from control_plane.clients.repository import ClientDetails, ClientRow
from control_plane.clients.rules import ClientChange, NewClient
from control_plane.management_api.given import (
    AnyRequest,
    Cursor,
    GivenActor,
    GivenTenant,
    GivenWork,
    Limit,
    Page,
    page_of,
)
from control_plane.secrets import actions as secrets
from control_plane.secrets.actions import MadeSecret
from control_plane.secrets.rules import AskedSecret, KeptSecret
from shared.domain.ids import ClientId

_TAGS, _OF_SECRETS = ["Clients"], ["Client secrets"]
_READ, _WRITE = {"scope": "read:clients"}, {"scope": "write:clients"}
_CLIENTS = "/tenants/{slug:str}/clients"
_CLIENT = _CLIENTS + "/{client_id:str}"
_SECRETS = _CLIENT + "/secrets"
_DAY = 24 * 3600


class ClientToRegister(NewClient, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client; without `scopes` it gets every scope of its APIs."""


class ChangeOfClient(ClientChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""


class SecretToMake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""  # empty: the day's date
    expires_in: int | None = None  # seconds; null: never


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""
    expires_in: int | None = None
    overlap: int = _DAY  # seconds for which the others work on


class EndedSecrets(msgspec.Struct, frozen=True, kw_only=True):
    ended: list[str]  # names


@get(_CLIENTS, opt=_READ, tags=_TAGS)
async def list_clients(
    tenant: GivenTenant, work: GivenWork, cursor: Cursor = "", limit: Limit = 50
) -> Page[ClientRow]:
    """List the clients, by id."""
    after = ClientId(cursor)
    rows = await actions.list_clients(work.database, tenant.id, after=after, limit=limit + 1)
    return page_of(rows, limit, lambda row: row.client_id)


@post(_CLIENTS, opt=_WRITE, tags=_TAGS)
async def register_client(
    request: AnyRequest,
    tenant: GivenTenant,
    data: JSONBody[ClientToRegister],
    work: GivenWork,
    by: GivenActor,
) -> Response[RegisteredClient]:
    """Register a client. Its secret, where it has one, is shown in this answer only."""

    async def make() -> RegisteredClient:
        peppers, networks = work.config.secret_peppers, work.config.outbound_networks
        return await actions.register_client(work.database, peppers, tenant.id, data, networks, by)

    return await work.repeats.once(request, make)


@get(_CLIENT, opt=_READ, tags=_TAGS)
async def show_client(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork
) -> ClientDetails:
    """Show a client, the APIs and scopes that it may ask for, and its secrets' names."""
    return await actions.show_client(work.database, tenant.id, ClientId(client_id))


@patch(_CLIENT, opt=_WRITE, tags=_TAGS)
async def change_client(
    tenant: GivenTenant,
    client_id: FromPath[str],
    data: JSONBody[ChangeOfClient],
    work: GivenWork,
    by: GivenActor,
) -> ClientDetails:
    """Change a client. Its tokens live on as they were issued."""
    networks = work.config.outbound_networks
    return await actions.change_client(
        work.database, tenant.id, ClientId(client_id), data, networks, by
    )


@post(_CLIENT + "/disable", opt=_WRITE, tags=_TAGS, status_code=200)
async def disable_client(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork, by: GivenActor
) -> ClientDetails:
    """Refuse the client and every token it holds. Enabling it revives no token."""
    await actions.disable_client(work.database, tenant.id, ClientId(client_id), by)
    return await actions.show_client(work.database, tenant.id, ClientId(client_id))


@post(_CLIENT + "/enable", opt=_WRITE, tags=_TAGS, status_code=200)
async def enable_client(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork, by: GivenActor
) -> ClientDetails:
    """Let the client ask for tokens again."""
    await actions.enable_client(work.database, tenant.id, ClientId(client_id), by)
    return await actions.show_client(work.database, tenant.id, ClientId(client_id))


@delete(_CLIENT, opt=_WRITE, tags=_TAGS)
async def delete_client(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork, by: GivenActor
) -> None:
    """Delete the client and refuse every token it holds."""
    await actions.delete_client(work.database, tenant.id, ClientId(client_id), by)


@get(_SECRETS, opt=_READ, tags=_OF_SECRETS)
async def list_secrets(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork
) -> Page[KeptSecret]:
    """List the client's secrets, the oldest first, without themselves."""
    held = await secrets.list_secrets(work.database, tenant.id, ClientId(client_id))
    return Page(items=held, next=None)


@post(_SECRETS, opt=_WRITE, tags=_OF_SECRETS)
async def add_secret(
    request: AnyRequest,
    tenant: GivenTenant,
    client_id: FromPath[str],
    data: JSONBody[SecretToMake],
    work: GivenWork,
    by: GivenActor,
) -> Response[MadeSecret]:
    """Give the client one more secret, shown in this answer only."""
    asked = AskedSecret(name=data.name, expires_in=data.expires_in, created_by=by.name)

    async def make() -> MadeSecret:
        return await secrets.add_secret(
            work.database, work.config.secret_peppers, tenant.id, ClientId(client_id), asked, by
        )

    return await work.repeats.once(request, make)


@delete(_SECRETS + "/{name:str}", opt=_WRITE, tags=_OF_SECRETS)
async def revoke_secret(
    tenant: GivenTenant,
    client_id: FromPath[str],
    name: FromPath[str],
    work: GivenWork,
    by: GivenActor,
) -> None:
    """End a secret now. The last live one stays: disable the client instead."""
    await secrets.revoke_secret(work.database, tenant.id, ClientId(client_id), name, by=by)


@post(_CLIENT + "/rotate-secret", opt=_WRITE, tags=_OF_SECRETS)
async def rotate_secret(
    request: AnyRequest,
    tenant: GivenTenant,
    client_id: FromPath[str],
    data: JSONBody[Rotation],
    work: GivenWork,
    by: GivenActor,
) -> Response[MadeSecret]:
    """Give the client a new secret; its others end after the overlap."""
    asked = AskedSecret(name=data.name, expires_in=data.expires_in, created_by=by.name)

    async def make() -> MadeSecret:
        return await secrets.start_rotation(
            work.database,
            work.config.secret_peppers,
            tenant.id,
            ClientId(client_id),
            asked,
            data.overlap,
            by=by,
        )

    return await work.repeats.once(request, make)


@post(_CLIENT + "/rotate-secret/finish", opt=_WRITE, tags=_OF_SECRETS, status_code=200)
async def finish_rotation(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork, by: GivenActor
) -> EndedSecrets:
    """End the replaced secrets now."""
    return EndedSecrets(
        ended=await secrets.finish_rotation(work.database, tenant.id, ClientId(client_id), by)
    )


@post(_CLIENT + "/rotate-secret/cancel", opt=_WRITE, tags=_OF_SECRETS, status_code=200)
async def cancel_rotation(
    tenant: GivenTenant, client_id: FromPath[str], work: GivenWork, by: GivenActor
) -> EndedSecrets:
    """End the new secret now; the replaced ones have their former expiry again."""
    return EndedSecrets(
        ended=await secrets.cancel_rotation(work.database, tenant.id, ClientId(client_id), by)
    )


CLIENT_ROUTES = [
    list_clients,
    register_client,
    show_client,
    change_client,
    disable_client,
    enable_client,
    delete_client,
    list_secrets,
    add_secret,
    revoke_secret,
    rotate_secret,
    finish_rotation,
    cancel_rotation,
]
