"""What a request of support's view passes beside the door: it reads, and each page is recorded.

Pages of the account, that a member of it who only reads would see, and nothing else: no form, no
page of a person's own. Exports are such pages too.
"""

from typing import Any

from litestar import Request, Response

from control_plane.http.cookies import SUPPORT_VIEW, no_view_cookie
from control_plane.http.door import SAFE, Door, refuse
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn
from control_plane.http.visitors import Visitors
from control_plane.support_views.actions import SupportViews

_ONLY_READS = "Support views this account read-only: nothing can be changed, nor a person's own."

AnyRequest = Request[Any, Any, Any]


class ViewGuard:
    """Stands in the door's place, and asks it first."""

    def __init__(
        self, door: Door[SignedIn], pages: Pages, visitors: Visitors, views: SupportViews
    ) -> None:
        self._door = door
        self._pages = pages
        self._visitors = visitors
        self._views = views

    async def __call__(self, request: AnyRequest) -> Response[Any] | None:
        answer = await self._door(request)
        opt = request.route_handler.opt
        if opt.get("outside"):
            return answer
        signed_in = request.scope.get("signed_in")
        if not isinstance(signed_in, SignedIn):
            was_view = bool(request.cookies.get(SUPPORT_VIEW)) and answer is not None
            return over(self._pages, request) if was_view else answer
        if signed_in.view is None or opt.get("view"):
            return answer
        if answer is not None or request.method not in SAFE or opt.get("permission") is None:
            return refuse(self._pages, request, _ONLY_READS)
        visitor = self._visitors.visitor(request)
        await self._views.note_page(signed_in, visitor, request.url.path)
        return None


def over(pages: Pages, request: AnyRequest) -> Response[str]:
    """Say that the view is over, and take its cookie back."""
    request.scope["signed_in"] = None  # type: ignore[typeddict-unknown-key]
    return pages.show(request, "support_views/over.html", status=403, cookies=[no_view_cookie()])
