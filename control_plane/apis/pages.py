"""APIs: the list, a new one, and an API's tabs (A9)."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from control_plane.apis import actions, forms
from control_plane.apis.danger_pages import DANGER_PAGES
from control_plane.apis.rules import ApiChange, ApiOrder, InvalidApi, ref_of
from control_plane.apis.shown import ApiShower, FoundApi, GivenApi, find_api_named
from control_plane.apis.trial_pages import TRIAL_PAGES
from control_plane.http.forms import LONG_TEXT, one_of, read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.paging import page_number, query, search_text
from control_plane.http.rendering import Pages
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.client import TokenProfile
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_CLIENTS}
_CHOICES: dict[str, Any] = {"algorithms": list(Algorithm), "profiles": list(TokenProfile)}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/apis", opt=_SEE)
async def apis_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    slug: FromPath[str],
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    asked = request.query_params
    search = search_text(asked.get("q", ""))
    order = one_of(ApiOrder, asked.get("sort", ""), ApiOrder.NAME)
    number = page_number(asked.get("page", ""))
    path = f"/tenants/{tenant.slug}/apis"
    return pages.show(
        request,
        "apis/list.html",
        tenant=tenant,
        listed=await actions.list_api_page(database, tenant.id, search, order, number),
        ref_of=ref_of,
        search=search,
        order=order,
        orders=list(ApiOrder),
        sorted_by=lambda each: path + query(q=search, sort=each),
        address=lambda each: path + query(q=search, sort=order, page=each),
    )


@get("/tenants/{slug:str}/apis/new", opt=_CHANGE)
async def new_api_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    slug: FromPath[str],
) -> Response[str]:
    tenant = await own_tenant(database, request, slug)
    form = {
        "lifetime": str(config.token_ttl),
        "algorithm": Algorithm.ES256.value,
        "profile": TokenProfile.AT_JWT.value,
    }
    return _show_form(request, pages, tenant, form)


@post("/tenants/{slug:str}/apis/new", opt=_CHANGE, status_code=200)
async def create_api(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    api_shower: NamedDependency[ApiShower],
    slug: FromPath[str],
) -> Response[Any]:
    tenant = await own_tenant(database, request, slug)
    fields = await read_fields(request, LONG_TEXT)
    sealer = Sealer(config.master_keys)
    try:
        new = forms.new_api(fields.values)
        await actions.create_api(database, sealer, tenant.id, new, api_shower.acting(request))
    except InvalidApi as refusal:
        return _show_form(request, pages, tenant, fields.values, str(refusal))
    return pages.go(request, f"/tenants/{tenant.slug}/apis/{ref_of(new.identifier)}")


@get("/tenants/{slug:str}/apis/{api_ref:str}", opt=_SEE)
async def api_page(
    request: AnyRequest,
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    return api_shower.show(request, found, "settings", error="", **_CHOICES)


@post("/tenants/{slug:str}/apis/{api_ref:str}", opt=_CHANGE, status_code=200)
async def change_api(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[Any]:
    fields = await read_fields(request)
    try:
        await _change(
            request, database, config, api_shower, found, forms.changed_api(fields.values)
        )
    except InvalidApi as refusal:
        return api_shower.show(
            request, found, "settings", status=422, error=str(refusal), **_CHOICES
        )
    return api_shower.go(request, found.path)


@get("/tenants/{slug:str}/apis/{api_ref:str}/scopes", opt=_SEE)
async def scopes_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    return await _show_scopes(request, database, api_shower, found)


@post(
    [
        "/tenants/{slug:str}/apis/{api_ref:str}/scopes",
        "/tenants/{slug:str}/apis/{api_ref:str}/scopes/describe",
    ],
    opt=_CHANGE,
    status_code=200,
)
async def set_scope(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[Any]:
    """Add a scope, or describe one anew."""
    scope = forms.described_scope((await read_fields(request)).values)
    is_there = not found.api.scopes.keys().isdisjoint(scope)
    error = ""
    if is_there is not request.url.path.endswith("/describe"):
        error = "the API has this scope already" if is_there else "the API has no such scope"
        return await _show_scopes(request, database, api_shower, found, error)
    try:
        await _change(request, database, config, api_shower, found, ApiChange(more_scopes=scope))
    except InvalidApi as refusal:
        return await _show_scopes(request, database, api_shower, found, str(refusal))
    return api_shower.go(request, f"{found.path}/scopes")


@post("/tenants/{slug:str}/apis/{api_ref:str}/scopes/remove", opt=_CHANGE, status_code=200)
async def remove_scope(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[Any]:
    """Remove a scope; where clients are granted it only when that is said once more."""
    fields = await read_fields(request)
    scope = fields["scope"]
    holders = await actions.count_holders(database, found.tenant.id, found.api.identifier)
    if holders.get(scope) and not fields["even_so"]:
        return await _show_scopes(request, database, api_shower, found, removing=scope)
    change = ApiChange(less_scopes=frozenset({scope}))
    await _change(request, database, config, api_shower, found, change)
    return api_shower.go(request, f"{found.path}/scopes")


@get("/tenants/{slug:str}/apis/{api_ref:str}/clients", opt=_SEE)
async def granted_clients_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    search = search_text(request.query_params.get("q", ""))
    number = page_number(request.query_params.get("page", ""))
    of_api = found.tenant.id, found.api.identifier
    return api_shower.show(
        request,
        found,
        "clients",
        listed=await actions.list_granted(database, *of_api, search, number),
        serving=await actions.list_serving(database, *of_api),
        search=search,
        address=lambda each: f"{found.path}/clients" + query(q=search, page=each),
    )


API_PAGES = Router(
    "/",
    route_handlers=[
        apis_page,
        new_api_page,
        create_api,
        api_page,
        change_api,
        scopes_page,
        set_scope,
        remove_scope,
        granted_clients_page,
        *TRIAL_PAGES,
        *DANGER_PAGES,
    ],
    dependencies={"found": Provide(find_api_named)},
)


async def _change(
    request: AnyRequest,
    database: Database,
    config: Config,
    api_shower: ApiShower,
    found: FoundApi,
    change: ApiChange,
) -> None:
    await actions.change_api(
        database,
        Sealer(config.master_keys),
        found.tenant.id,
        found.api.identifier,
        change,
        api_shower.acting(request),
    )


async def _show_scopes(
    request: AnyRequest,
    database: Database,
    api_shower: ApiShower,
    found: FoundApi,
    error: str = "",
    removing: str = "",
) -> Response[str]:
    holders = await actions.count_holders(database, found.tenant.id, found.api.identifier)
    return api_shower.show(
        request,
        found,
        "scopes",
        status=422 if error or removing else 200,
        holders=holders,
        removing=removing,
        error=error,
    )


def _show_form(
    request: AnyRequest, pages: Pages, tenant: OwnTenant, form: dict[str, str], error: str = ""
) -> Response[str]:
    return pages.show(
        request,
        "apis/new.html",
        status=422 if error else 200,
        tenant=tenant,
        form=form,
        error=error,
        **_CHOICES,
    )
