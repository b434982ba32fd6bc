"""API keys of the account (A15): the list, a new one, shown once, and revoking one."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.audit.acting import acting
from control_plane.http.clock import Clock
from control_plane.http.forms import Fields, is_typed, read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import account_of, signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.management import forms
from control_plane.management.actions import (
    api_keys_of,
    create_api_key,
    find_api_key,
    revoke_api_key,
)
from control_plane.management.rules import MAXIMUM_KEYS, ApiKey, ApiKeyRefused
from control_plane.management.snippets import Credentials
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import every_own_tenant
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.domain.management import MANAGEMENT_SCOPES, SYSTEM_SLUG, management_audience
from shared.runtime.database import Database

_SEE = {"permission": Permission.CHANGE_API_KEYS}
_CHANGE = {"permission": Permission.CHANGE_API_KEYS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/api-keys", opt=_SEE)
async def api_keys_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    clock: NamedDependency[Clock],
) -> Response[str]:
    return pages.show(
        request,
        "api_keys/list.html",
        keys=await api_keys_of(database, account_of(request)),
        most=MAXIMUM_KEYS,
        now=clock(),
        console_url=config.console_url,
    )


@get("/api-keys/new", opt=_CHANGE)
async def new_api_key_page(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[str]:
    return await _show_form(request, pages, database, Fields({}))


@post("/api-keys/new", opt=_CHANGE, status_code=200)
async def make_api_key(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    visitors: NamedDependency[Visitors],
    config: GivenConfig,
) -> Response[str]:
    """Make it, and hand its secret over in this very answer."""
    fields, account_id = await read_fields(request), account_of(request)
    new = forms.new_key(fields.values, account_id)
    if (fields["for"] == "some") is not bool(new.tenants):
        unclear = "choose all tenants, or tick those that the key is for"
        return await _show_form(request, pages, database, fields, unclear)
    try:
        made = await create_api_key(database, config, new, acting(request, visitors))
    except ApiKeyRefused as refusal:
        return await _show_form(request, pages, database, fields, str(refusal))
    credentials = Credentials(
        client_id=made.client_id,
        client_secret=made.client_secret,
        token_endpoint=f"{issuer_url(config.public_url, SYSTEM_SLUG)}/oauth/token",
        audience=management_audience(config.console_url),
    )
    return pages.show(request, "api_keys/made.html", key=new, credentials=credentials)


@get("/api-keys/{client_id:str}", opt=_SEE)
async def api_key_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
    client_id: FromPath[str],
) -> Response[str]:
    return _show(request, pages, clock, await _find(request, database, client_id))


@post("/api-keys/{client_id:str}/revoke", opt=_CHANGE, status_code=200)
async def revoke(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    visitors: NamedDependency[Visitors],
    clock: NamedDependency[Clock],
    client_id: FromPath[str],
) -> Response[Any]:
    """Revoke it, when its name was typed."""
    found = await _find(request, database, client_id)
    if not await is_typed(request, found.name):
        error = "that is not the key's name: nothing was revoked"
        return _show(request, pages, clock, found, error)
    await revoke_api_key(database, found.client_id, acting(request, visitors))
    return pages.go(request, "/api-keys")


API_KEY_PAGES = [api_keys_page, new_api_key_page, make_api_key, api_key_page, revoke]


async def _find(request: AnyRequest, database: Database, client_id: str) -> ApiKey:
    """Find it. Another account's answers as one that is not there: 404."""
    found = await find_api_key(database, account_of(request), ClientId(client_id))
    if found is None:
        raise NotFoundException
    return found


def _show(
    request: AnyRequest, pages: Pages, clock: Clock, key: ApiKey, error: str = ""
) -> Response[str]:
    now = clock()
    return pages.show(
        request,
        "api_keys/key.html",
        status=422 if error else 200,
        key=key,
        now=now,
        scopes=MANAGEMENT_SCOPES,
        fresh=signed_in_of(request).session.is_stepped_up(now),
        error=error,
    )


async def _show_form(
    request: AnyRequest, pages: Pages, database: Database, fields: Fields, error: str = ""
) -> Response[str]:
    account_id = account_of(request)
    return pages.show(
        request,
        "api_keys/new.html",
        status=422 if error else 200,
        scopes=MANAGEMENT_SCOPES,
        tenants=await every_own_tenant(database, account_id),
        expiries=forms.EXPIRIES,
        form=fields.values,
        account=account_id,
        error=error,
    )
