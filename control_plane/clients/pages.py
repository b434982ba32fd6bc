"""Clients: the list, a new one, and a client's tabs (A5, A6)."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from control_plane.apis.actions import list_apis
from control_plane.clients import forms
from control_plane.clients.actions import change_client, list_client_page, register_client
from control_plane.clients.credential_pages import CREDENTIAL_PAGES
from control_plane.clients.danger_pages import DANGER_PAGES
from control_plane.clients.key_pages import KEY_PAGES
from control_plane.clients.limit_pages import LIMIT_PAGES
from control_plane.clients.listing import Wanted
from control_plane.clients.rules import ClientChange, ClientOrder, InvalidClientMetadata
from control_plane.clients.shown import ClientShower, Found, GivenClient, find_client
from control_plane.clients.snippets import dotenv, snippets_for
from control_plane.clients.workload_pages import WORKLOAD_PAGES
from control_plane.http.clock import Clock
from control_plane.http.forms import LONG_TEXT, Fields, one_of, read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.paging import page_number, query, search_text
from control_plane.http.rendering import Pages
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.client import DpopUse
from shared.domain.client_jwk import InvalidKeySet
from shared.domain.outbound_url import FetchRefused
from shared.domain.static_claims import InvalidStaticClaims
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_CLIENTS}
_CREATE = {"permission": Permission.CHANGE_CLIENTS, "step_up": True}  # it makes a secret

_SOON = timedelta(days=14)  # a secret that ends within them is to be seen

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients", opt=_SEE)
async def clients_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
    slug: FromPath[str],
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    asked = request.query_params
    search = search_text(asked.get("q", ""))
    order = one_of(ClientOrder, asked.get("sort", ""), ClientOrder.NAME)
    unused = asked.get("used", "") == "no"
    wanted = Wanted(search=search, unused=unused, order=order)
    number = page_number(asked.get("page", ""))
    path = f"/tenants/{tenant.slug}/clients"
    kept = {"q": search, "used": "no" if unused else ""}
    return pages.show(
        request,
        "clients/list.html",
        tenant=tenant,
        listed=await list_client_page(database, tenant.id, wanted, number),
        wanted=wanted,
        orders=list(ClientOrder),
        sorted_by=lambda each: path + query(**kept, sort=each),
        address=lambda each: path + query(**kept, sort=order, page=each),
        soon=clock() + _SOON,
    )


@get("/tenants/{slug:str}/clients/new", opt=_CREATE)
async def new_client_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    slug: FromPath[str],
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    return await _show_form(request, pages, database, tenant, Fields({}))


@post("/tenants/{slug:str}/clients/new", opt=_CREATE, status_code=200)
async def create_client(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    slug: FromPath[str],
) -> Response[str]:
    """Register it, and hand its secret over in this very answer."""
    tenant = await own_tenant(database, request, slug)
    fields = await read_fields(request, LONG_TEXT)
    by = shower.acting(request)
    try:
        made = await register_client(
            database,
            config.secret_peppers,
            tenant.id,
            forms.new_client(fields.values),
            config.outbound_networks,
            by,
        )
    except (InvalidClientMetadata, InvalidKeySet, FetchRefused) as refusal:
        return await _show_form(request, pages, database, tenant, fields, str(refusal))
    found = await shower.find(request, tenant.slug, made.client_id)
    return _show_quick_start(request, shower, found, made.client_secret)


@get("/tenants/{slug:str}/clients/{client_id:str}", opt=_SEE)
async def client_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return _show_quick_start(request, shower, found, "")


@get("/tenants/{slug:str}/clients/{client_id:str}/apis", opt=_SEE)
async def client_apis_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    apis = await list_apis(database, found.tenant.id)
    return shower.show(request, found, "apis", apis=apis, error="")


@post("/tenants/{slug:str}/clients/{client_id:str}/apis", opt=_CHANGE, status_code=200)
async def change_client_apis(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    apis = await list_apis(database, found.tenant.id)
    fields = await read_fields(request)
    default = found.details.client.default_api
    scopes_of = {each.identifier: frozenset(each.scopes) for each in apis}
    change = forms.granted(fields.values, default, scopes_of)
    try:
        by = shower.acting(request)
        await change_client(database, found.tenant.id, found.client_id, change, by=by)
    except InvalidClientMetadata as refusal:
        return shower.show(request, found, "apis", status=422, apis=apis, error=str(refusal))
    return shower.go(request, f"{found.path}/apis")


@get("/tenants/{slug:str}/clients/{client_id:str}/settings", opt=_SEE)
async def client_settings_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return _show_settings(request, shower, found)


@post("/tenants/{slug:str}/clients/{client_id:str}/settings", opt=_CHANGE, status_code=200)
async def change_client_settings(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    fields = await read_fields(request)
    dpop = one_of(DpopUse, fields["dpop"], found.details.client.dpop)
    change = ClientChange(name=fields["name"].strip(), dpop=dpop)
    by = shower.acting(request)
    try:
        await change_client(database, found.tenant.id, found.client_id, change, by=by)
    except InvalidClientMetadata as refusal:
        return _show_settings(request, shower, found, wrong="name", error=str(refusal))
    return shower.go(request, f"{found.path}/settings")


@post("/tenants/{slug:str}/clients/{client_id:str}/settings/claims", opt=_CHANGE, status_code=200)
async def change_client_claims(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    fields, by = await read_fields(request, LONG_TEXT), shower.acting(request)
    try:
        change = ClientChange(claims=forms.static_claims(fields.values))
        await change_client(database, found.tenant.id, found.client_id, change, by=by)
    except InvalidStaticClaims as refusal:
        typed = fields["claims"]
        return _show_settings(request, shower, found, "claims", str(refusal), typed)
    return shower.go(request, f"{found.path}/settings")


CLIENT_PAGES = Router(
    "/",
    route_handlers=[
        clients_page,
        new_client_page,
        create_client,
        client_page,
        client_apis_page,
        change_client_apis,
        client_settings_page,
        change_client_settings,
        change_client_claims,
        *CREDENTIAL_PAGES,
        *KEY_PAGES,
        *WORKLOAD_PAGES,
        *LIMIT_PAGES,
        *DANGER_PAGES,
    ],
    dependencies={"found": Provide(find_client)},
)


def _show_quick_start(
    request: AnyRequest, shower: ClientShower, found: Found, secret: str
) -> Response[str]:
    caller = shower.caller(found, secret)
    return shower.show(
        request,
        found,
        "quick_start",
        caller=caller,
        snippets=snippets_for(caller),
        dotenv=dotenv(caller) if secret else "",
    )


def _show_settings(
    request: AnyRequest,
    shower: ClientShower,
    found: Found,
    wrong: str = "",
    error: str = "",
    claims: str = "",
) -> Response[str]:
    """Show them; `wrong` names the form that was refused, and `claims` is what was typed there."""
    return shower.show(
        request,
        found,
        "settings",
        status=422 if error else 200,
        wrong=wrong,
        error=error,
        claims=claims or forms.typed_claims(found.details.client.claims),
    )


async def _show_form(
    request: AnyRequest,
    pages: Pages,
    database: Database,
    tenant: OwnTenant,
    fields: Fields,
    error: str = "",
) -> Response[str]:
    return pages.show(
        request,
        "clients/new.html",
        status=422 if error else 200,
        tenant=tenant,
        apis=await list_apis(database, tenant.id),
        form=fields.values,
        ticked=forms.chosen(fields.values, forms.API),
        error=error,
    )
