"""A client's own limit of token requests, beside the tenant's."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.clients import forms
from control_plane.clients.actions import change_client
from control_plane.clients.rules import ClientChange
from control_plane.clients.shown import ClientShower, Found, GivenClient
from control_plane.http.forms import read_fields
from control_plane.http.signed_in import signed_in_of
from control_plane.limits.actions import show_limits
from control_plane.members.rules import Permission
from shared.domain.limits import InvalidLimit
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_CLIENTS}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients/{client_id:str}/limits", opt=_SEE)
async def client_limits_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return await _show(request, database, shower, found)


@post(
    [
        "/tenants/{slug:str}/clients/{client_id:str}/limits",
        "/tenants/{slug:str}/clients/{client_id:str}/limits/remove",
    ],
    opt=_CHANGE,
    status_code=200,
)
async def change_client_limits(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    """Set the client's own limit, or take it away."""
    fields = await read_fields(request)
    by = shower.acting(request)
    try:
        if request.url.path.endswith("/remove"):
            change = ClientChange(no_rate=True)
        else:
            change = ClientChange(rate=forms.rate(fields.values))
        await change_client(database, found.tenant.id, found.client_id, change, by=by)
    except InvalidLimit as refusal:
        return await _show(request, database, shower, found, str(refusal))
    return shower.go(request, f"{found.path}/limits")


LIMIT_PAGES = [client_limits_page, change_client_limits]


async def _show(
    request: AnyRequest, database: Database, shower: ClientShower, found: Found, error: str = ""
) -> Response[str]:
    limits = await show_limits(database, signed_in_of(request).account_id or "")
    return shower.show(
        request, found, "limits", status=422 if error else 200, limits=limits, error=error
    )
