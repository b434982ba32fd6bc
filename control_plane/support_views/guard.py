"""What a request of support's view passes beside the door: it reads, and each page is recorded.

Pages of the account, that a member of it who only reads would see, and nothing else: no form, no
page of a person's own. Exports are such pages too.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response

from control_plane.http.clock import Clock
from control_plane.http.cookies import SUPPORT_VIEW, no_view_cookie
from control_plane.http.door import SAFE, Door, refuse
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn
from control_plane.http.visitors import Visitors
from control_plane.support_views.actions import SupportViews

_ONLY_READS = "Support views this account read-only: nothing can be changed, nor a person's own."

AnyRequest = Request[Any, Any, Any]


def guarded(
    door: Door[SignedIn], pages: Pages, visitors: Visitors, views: SupportViews, clock: Clock
) -> Callable[[AnyRequest], Awaitable[Response[Any] | None]]:
    """Give what stands in the door's place, and asks it first.

    A function, since of an object Litestar would make a copy for each handler.
    """

    async def enter(request: AnyRequest) -> Response[Any] | None:
        answer = await door(request)
        if "signed_in" not in request.scope or not request.cookies.get(SUPPORT_VIEW):
            return answer  # nobody was asked for, or by no view
        signed_in = request.scope.get("signed_in")
        if not isinstance(signed_in, SignedIn) or signed_in.view is None:
            return over(pages, request)  # and no page of another account in its place
        if not _may_be_asked(request):
            return refuse(pages, request, _ONLY_READS)
        if answer is None and _is_page(request):
            await views.note_page(signed_in, visitors.visitor(request), request.url.path, clock())
        return answer

    return enter


def _may_be_asked(request: AnyRequest) -> bool:
    return bool(request.route_handler.opt.get("view")) or _is_page(request)


def _is_page(request: AnyRequest) -> bool:
    """Tell whether it is for a page of the account, which the door judges by the role."""
    return request.method in SAFE and "permission" in request.route_handler.opt


def over(pages: Pages, request: AnyRequest) -> Response[str]:
    """Say that the view is over, and take its cookie back."""
    request.scope["signed_in"] = None  # type: ignore[typeddict-unknown-key]
    return pages.show(request, "support_views/over.html", status=403, cookies=[no_view_cookie()])
