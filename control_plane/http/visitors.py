"""Pages for people who are not signed in: their forms need a token too, and so a cookie."""

import re
import secrets
from collections.abc import Collection
from typing import Any

from litestar import Request, Response

from control_plane.http.cookies import CONSOLE, CookieNames, visitor_cookie
from control_plane.http.csrf import csrf_token
from control_plane.http.rendering import Pages
from control_plane.sessions.actions import Visitor
from shared.domain.client_address import client_address
from shared.domain.outbound_url import Network

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Visitors:
    def __init__(
        self,
        pages: Pages,
        csrf_key: bytes,
        proxies: Collection[Network],
        cookies: CookieNames = CONSOLE,
    ) -> None:
        self._pages = pages
        self._key = csrf_key
        self._proxies = proxies
        self._cookies = cookies

    def show(
        self, request: Request[Any, Any, Any], template: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        """Show a page with a form, and give the visitor's cookie to who has none yet."""
        if request.scope.get("signed_in") or request.cookies.get(self._cookies.visitor):
            return self._pages.show(request, template, status=status, **values)
        token = secrets.token_urlsafe(32)
        request.scope["csrf"] = csrf_token(self._key, token)  # type: ignore[typeddict-unknown-key]
        cookies = [visitor_cookie(token, self._cookies.visitor)]
        return self._pages.show(request, template, status=status, cookies=cookies, **values)

    def visitor(self, request: Request[Any, Any, Any]) -> Visitor:
        """Say where the request comes from; of what is said on the way, only our proxies' word."""
        peer = request.client.host if request.client else None
        address = client_address(peer, tuple(request.scope["headers"]), self._proxies)
        agent = request.headers.get("user-agent", "")
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"r_{secrets.token_hex(8)}"
        token = request.cookies.get(self._cookies.session, "")
        return Visitor(str(address), agent, token, request_id)
