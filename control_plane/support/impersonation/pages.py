"""Seeing the console as the account does: begin, hand over, end (C5)."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.given import GivenConfig
from control_plane.staff.rules import StaffPermission
from control_plane.support.impersonation.actions import begin_view, end_view, show_view
from control_plane.support.shown import SupportShower
from control_plane.support_views.rules import HANDOVER_LASTS

_VIEW = "/support/accounts/{account_id:str}/view"
_OPT = {"staff": StaffPermission.IMPERSONATE, "grant": True}

AnyRequest = Request[Any, Any, Any]


@get(_VIEW, opt=_OPT)
async def view_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    staff = support.staff(request)
    view = await show_view(support.database, staff, account_id, support.now())
    base = f"/support/accounts/{account_id}/view"
    return support.show(request, "impersonation/view.html", view=view, base=base)


@post(_VIEW, opt=_OPT, status_code=200)
async def begin(
    request: AnyRequest, support: NamedDependency[SupportShower], config: GivenConfig
) -> Response[str]:
    """Show the button that hands the view over: the token is in its form, in no address."""
    act, staff, grant = support.act(request), support.staff(request), support.grant(request)
    token = await begin_view(support.database, act, staff, grant, support.now())
    answer = support.show(
        request,
        "impersonation/handover.html",
        token=token,
        console_url=config.console_url,
        seconds=int(HANDOVER_LASTS.total_seconds()),
        base=f"/support/accounts/{grant.account_id}/view",
    )
    # the console asks which page the form stood on; "same-origin" would have browsers say `null`
    answer.headers["Referrer-Policy"] = "strict-origin"
    return answer


@post(_VIEW + "/end", opt=_OPT, status_code=200)
async def end(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    await end_view(support.database, support.act(request), account_id, support.now())
    return support.go(request, f"/support/accounts/{account_id}/view")


VIEW_PAGES = [view_page, begin, end]
