"""What every request of a page passes: who asks, from where, and whether they may.

A handler says in its `opt` what it needs, and one that says nothing is refused, so that nothing is
open by omission. `open=True` and `outside=True` mean the same to both apps; what else is said, and
what it lets do, each app's Rights know.
"""

from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

from litestar import Request, Response

from control_plane.http.clock import Clock
from control_plane.http.cookies import CookieNames
from control_plane.http.csrf import csrf_token, is_same_site, is_token_right
from control_plane.http.rendering import Pages

SAFE = {"GET", "HEAD", "OPTIONS"}
_MALFORMED = 400
_FIELD, _HEADER = "csrf", "x-csrf-token"

AnyRequest: TypeAlias = Request[Any, Any, Any]
Who = TypeVar("Who")  # what is found of who is signed in


class Rights(Protocol[Who]):
    """Who a session's cookie stands for in an app, and what they may."""

    async def find(self, token: str, now: datetime) -> Who | None: ...

    async def judge(self, request: AnyRequest, signed_in: Who) -> Response[Any] | None:
        """Let who is signed in on (None), or answer in the handler's place."""
        ...


class Door(Generic[Who]):
    def __init__(
        self, pages: Pages, rights: Rights[Who], cookies: CookieNames, csrf_key: bytes, clock: Clock
    ) -> None:
        self._pages = pages
        self._rights = rights
        self._cookies = cookies
        self._key = csrf_key
        self._clock = clock

    async def __call__(self, request: AnyRequest) -> Response[Any] | None:
        """Let the request in (None), or answer in its handler's place."""
        if b"%00" in request.scope["raw_path"] or b"%00" in request.scope["query_string"]:
            return refuse(
                self._pages, request, "The request cannot be read.", status=_MALFORMED
            )  # no text has U+0000
        opt = request.route_handler.opt
        if opt.get("outside"):  # static files, probes, webhooks with a signature of their own
            return None
        token, signed_in = await self._find(request)
        request.scope["signed_in"] = signed_in  # type: ignore[typeddict-unknown-key]
        cookie = token if signed_in else request.cookies.get(self._cookies.visitor, "")
        request.scope["csrf"] = csrf_token(self._key, cookie)  # type: ignore[typeddict-unknown-key]
        if request.method not in SAFE and not await self._is_ours(request, cookie):
            return refuse(self._pages, request, "This form is out of date: load the page again.")
        return await self._authorise(request, signed_in)

    async def still_lets_in(self, request: AnyRequest) -> bool:
        """Tell whether who was let in by this request would be once more: for a long answer."""
        token, signed_in = await self._find(request)
        same = csrf_token(self._key, token) == request.scope.get("csrf")
        if signed_in is None or not same:  # a view is over: the session beside it sees less
            return False
        return await self._authorise(request, signed_in) is None

    async def _find(self, request: AnyRequest) -> tuple[str, Who | None]:
        """Find who asks, and the cookie's value that says so."""
        for name in (self._cookies.first, self._cookies.session):
            token = request.cookies.get(name, "") if name else ""
            found = await self._rights.find(token, self._clock()) if token else None
            if found is not None:
                return token, found
        return "", None

    async def _is_ours(self, request: AnyRequest, cookie: str) -> bool:
        """Tell whether a form of one of our own pages was sent (hostile-inputs.md I1, I2)."""
        if not cookie or not is_same_site(request.headers, self._pages.origin):
            return False
        presented = request.headers.get(_HEADER)
        if presented is None:
            content_type, _ = request.content_type
            if content_type != "application/x-www-form-urlencoded":
                return False
            presented = str((await request.form()).get(_FIELD, ""))
        return is_token_right(self._key, cookie, presented)

    async def _authorise(self, request: AnyRequest, signed_in: Who | None) -> Response[Any] | None:
        if request.route_handler.opt.get("open"):
            return None
        if signed_in is None:
            path = f"{self._pages.sign_in}?next={back_to(request, self._pages.origin)}"
            return self._pages.go(request, path)
        return await self._rights.judge(request, signed_in)


def back_to(request: AnyRequest, origin: str) -> str:
    """Where to go on afterwards: the page itself, or for a form the page that it stood on."""
    if request.method in SAFE:
        return quote(request.url.path)
    page = urlsplit(request.headers.get("referer", ""))
    return quote(page.path) if f"{page.scheme}://{page.netloc}" == origin else "/"


def refuse(pages: Pages, request: AnyRequest, why: str, *, status: int = 403) -> Response[str]:
    title = "Not possible" if status == _MALFORMED else "Not allowed"
    return pages.show(request, "refused.html", status=status, title=title, why=why)
