"""Where the support app hands a view over to the console, and its end.

The one-time token comes in a form, so no log, history or Referer has it.
"""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from control_plane.http.clock import Clock
from control_plane.http.cookies import view_cookie
from control_plane.http.door import refuse
from control_plane.http.forms import read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.support_views.actions import SupportViews
from control_plane.support_views.guard import over
from control_plane.support_views.rules import ViewRefused

AnyRequest = Request[Any, Any, Any]


@post("/support-view", opt={"outside": True}, status_code=200)
async def begin(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    views: NamedDependency[SupportViews],
    config: GivenConfig,
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Take a view over. The form stands on a page of the support app, and nowhere else."""
    if request.headers.get("origin") != config.support_url:
        return refuse(pages, request, "This form is no page of ours.")
    handover = (await read_fields(request))["token"]
    try:
        token = await views.begin(handover, visitors.visitor(request), clock())
    except ViewRefused as refusal:
        return refuse(pages, request, f"{refusal}.".capitalize())
    return pages.go(request, "/tenants", cookies=[view_cookie(token)])


@post("/support-view/end", opt={"open": True, "view": True}, status_code=200)
async def end(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    views: NamedDependency[SupportViews],
    clock: NamedDependency[Clock],
) -> Response[str]:
    signed_in = signed_in_of(request)
    if signed_in.view is not None:
        await views.end(signed_in, visitors.visitor(request), clock())
    return over(pages, request)


SUPPORT_VIEW_PAGES = [begin, end]
