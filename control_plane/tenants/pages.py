"""The account's tenants."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from control_plane.http.given import GivenConfig
from control_plane.http.paging import page_number, query, search_text
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import list_own_tenants
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database


@get("/tenants", opt={"permission": Permission.SEE_TENANTS})
async def tenants_page(
    request: Request[Any, Any, Any],
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


TENANT_PAGES = [tenants_page]
