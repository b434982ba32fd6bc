"""The page for whoever has as many of something as the plan includes."""

from typing import Any

from litestar import Request, Response

from control_plane.http.rendering import Pages
from control_plane.limits.rules import LimitReached, plans_with_more

_TOO_MANY = 409


class LimitPage:
    """What is answered in the place of the page that would have created it."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def __call__(self, request: Request[Any, Any, Any], reached: LimitReached) -> Response[str]:
        return self._pages.show(
            request,
            "limits/reached.html",
            status=_TOO_MANY,
            reached=reached,
            more=plans_with_more(reached.what, reached.limit),
        )
