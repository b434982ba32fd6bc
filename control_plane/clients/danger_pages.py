"""Disabling a client, ending its tokens, deleting it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.clients import actions
from control_plane.clients.shown import ClientShower, GivenClient
from control_plane.http.forms import is_typed
from control_plane.members.rules import Permission
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_CLIENTS}
_DELETE = {"permission": Permission.CHANGE_CLIENTS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients/{client_id:str}/danger", opt=_SEE)
async def danger_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return shower.show(request, found, "danger", error="")


@post("/tenants/{slug:str}/clients/{client_id:str}/disable", opt=_CHANGE, status_code=200)
async def disable(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[None]:
    await actions.disable_client(database, found.tenant.id, found.client_id, shower.acting(request))
    return shower.go(request, f"{found.path}/danger")


@post("/tenants/{slug:str}/clients/{client_id:str}/enable", opt=_CHANGE, status_code=200)
async def enable(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[None]:
    await actions.enable_client(database, found.tenant.id, found.client_id, shower.acting(request))
    return shower.go(request, f"{found.path}/danger")


@post("/tenants/{slug:str}/clients/{client_id:str}/revoke", opt=_CHANGE, status_code=200)
async def end_tokens(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[None]:
    await actions.revoke_tokens(database, found.tenant.id, found.client_id, shower.acting(request))
    return shower.go(request, f"{found.path}/danger")


@post("/tenants/{slug:str}/clients/{client_id:str}/delete", opt=_DELETE, status_code=200)
async def delete(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    """Delete it, when its name was typed."""
    if not await is_typed(request, found.details.client.name):
        error = "that is not the client's name: nothing was deleted"
        return shower.show(request, found, "danger", status=422, error=error)
    await actions.delete_client(database, found.tenant.id, found.client_id, shower.acting(request))
    return shower.go(request, f"/tenants/{found.tenant.slug}/clients")


DANGER_PAGES = [danger_page, disable, enable, end_tokens, delete]
