"""The public keys of a client that signs (private_key_jwt)."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.clients.actions import change_client
from control_plane.clients.rules import ClientChange, ClientKeys
from control_plane.clients.shown import ClientShower, Found, GivenClient
from control_plane.http.forms import LONG_TEXT, read_fields
from control_plane.http.given import GivenConfig
from control_plane.members.rules import Permission
from shared.domain.client import AuthMethod
from shared.domain.client_jwk import thumbprint
from shared.domain.pasted_keys import read_pasted_keys
from shared.domain.refused import Refused
from shared.runtime.config import Config
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_SECRETS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients/{client_id:str}/keys", opt=_SEE)
async def client_keys_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return _show(request, shower, found)


@post(
    [
        "/tenants/{slug:str}/clients/{client_id:str}/keys",
        "/tenants/{slug:str}/clients/{client_id:str}/keys/uri",
        "/tenants/{slug:str}/clients/{client_id:str}/keys/remove",
    ],
    opt=_CHANGE,
    status_code=200,
)
async def change_client_keys(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    """Add pasted keys, remove one, or have all read from a URI."""
    fields = await read_fields(request, LONG_TEXT)
    try:
        match request.url.path.rpartition("/")[2]:
            case "uri":
                change = ClientChange(keys=ClientKeys(jwks_uri=fields["uri"].strip()))
            case "remove":
                change = ClientChange(less_key=fields["thumbprint"])
            case _:
                change = ClientChange(more_keys=read_pasted_keys(fields["keys"]))
        await _change(request, database, config, shower, found, change)
    except Refused as refusal:  # of keys, of a URL, of what a client may have
        return _show(request, shower, found, str(refusal))
    return shower.go(request, f"{found.path}/keys")


KEY_PAGES = [client_keys_page, change_client_keys]


async def _change(
    request: AnyRequest,
    database: Database,
    config: Config,
    shower: ClientShower,
    found: Found,
    change: ClientChange,
) -> None:
    await change_client(
        database,
        found.tenant.id,
        found.client_id,
        change,
        config.outbound_networks,
        shower.acting(request),
    )


def _show(
    request: AnyRequest, shower: ClientShower, found: Found, error: str = ""
) -> Response[str]:
    client = found.details.client
    return shower.show(
        request,
        found,
        "keys",
        status=422 if error else 200,
        signs=client.auth_method is AuthMethod.PRIVATE_KEY_JWT,
        keys=[(key, thumbprint(key)) for key in client.jwks or ()],
        error=error,
    )
