"""The account's tenants (the list), and the settings of one (A16)."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.http.forms import read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.paging import page_number, query, search_text
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import list_own_tenants, search_own_tenants
from control_plane.tenants.actions import InvalidTenant, rename_tenant, show_tenant
from control_plane.tenants.danger_pages import DANGER_PAGES
from control_plane.tenants.exports import export_tenant
from control_plane.tenants.shown import TenantShower
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_TENANTS}

_SWITCHED = 8  # tenants that the switcher offers

AnyRequest = Request[Any, Any, Any]


@get("/tenants", opt=_SEE)
async def tenants_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
) -> Response[str]:
    asked = request.query_params
    search = search_text(asked.get("q", ""))
    account_id = signed_in_of(request).account_id
    listed = await list_own_tenants(
        database, account_id, search, page_number(asked.get("page", ""))
    )
    return pages.show(
        request,
        "tenants/list.html",
        listed=listed,
        search=search,
        address=lambda number: "/tenants" + query(q=search, page=number),
        issuer=lambda slug: issuer_url(config.public_url, slug),
    )


@get("/switcher", opt=_SEE)
async def switcher(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[Any]:
    """List some of the tenants for the switcher, while their name is being typed."""
    search = search_text(request.query_params.get("q", ""))
    if request.headers.get("hx-request") != "true":
        return pages.go(request, "/tenants" + query(q=search))
    account_id = signed_in_of(request).account_id
    found = await search_own_tenants(database, account_id, search, _SWITCHED + 1)
    return pages.show(
        request,
        "tenants/switcher.html",
        found=found[:_SWITCHED],
        more=len(found) > _SWITCHED,
        search=search,
    )


@get("/tenants/{slug:str}/settings", opt=_SEE)
async def settings_page(
    request: AnyRequest, tenant_shower: NamedDependency[TenantShower], slug: FromPath[str]
) -> Response[str]:
    return await tenant_shower.show(request, await tenant_shower.tenant(request, slug))


@post("/tenants/{slug:str}/settings", opt=_CHANGE, status_code=200)
async def rename(
    request: AnyRequest,
    database: NamedDependency[Database],
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Response[Any]:
    tenant = await tenant_shower.tenant(request, slug)
    name = (await read_fields(request))["name"].strip()
    try:
        await rename_tenant(database, tenant.slug, name, tenant_shower.acting(request))
    except InvalidTenant as refusal:
        return await tenant_shower.show(request, tenant, "name", str(refusal))
    return tenant_shower.back(request, tenant)


@get("/tenants/{slug:str}/export", opt=_SEE)
async def export(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    tenant_shower: NamedDependency[TenantShower],
    slug: FromPath[str],
) -> Stream:
    """Hand the configuration over as a file: as JSON, and without a secret."""
    tenant = await tenant_shower.tenant(request, slug)
    details = await show_tenant(database, tenant.slug)
    return Stream(
        export_tenant(database, details, config.public_url),
        media_type="application/json",
        headers={
            **pages.headers,
            "Content-Disposition": f'attachment; filename="tenant-{tenant.slug}.json"',
        },
    )


TENANT_PAGES = [tenants_page, switcher, settings_page, rename, export, *DANGER_PAGES]
