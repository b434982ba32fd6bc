"""Deleting an API."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.apis import actions
from control_plane.apis.rules import InvalidApi
from control_plane.apis.shown import ApiShower, FoundApi, GivenApi
from control_plane.http.forms import is_typed
from control_plane.members.rules import Permission
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_DELETE = {"permission": Permission.CHANGE_CLIENTS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/apis/{api_ref:str}/danger", opt=_SEE)
async def api_danger_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    return await _show(request, database, api_shower, found)


@post("/tenants/{slug:str}/apis/{api_ref:str}/delete", opt=_DELETE, status_code=200)
async def delete_api(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[Any]:
    """Delete it, when its name was typed and no client may ask for it."""
    if not await is_typed(request, found.api.name):
        error = "that is not the API's name: nothing was deleted"
        return await _show(request, database, api_shower, found, error)
    by = api_shower.acting(request)
    try:
        await actions.delete_api(database, found.tenant.id, found.api.identifier, by)
    except InvalidApi as refusal:  # a client was granted it meanwhile
        return await _show(request, database, api_shower, found, str(refusal))
    return api_shower.go(request, f"/tenants/{found.tenant.slug}/apis")


DANGER_PAGES = [api_danger_page, delete_api]


async def _show(
    request: AnyRequest, database: Database, api_shower: ApiShower, found: FoundApi, error: str = ""
) -> Response[str]:
    granted = await actions.list_granted(database, found.tenant.id, found.api.identifier)
    return api_shower.show(
        request, found, "danger", status=422 if error else 200, granted=granted, error=error
    )
