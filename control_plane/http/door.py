"""What every request of the console passes: who asks, from where, and whether they may.

A handler says in its `opt` what it needs: `open=True`, or `permission=Permission.…`, or
`signed_in=True` for a person's own pages. One that says nothing is refused, so that nothing is open
by omission.
"""

from datetime import datetime
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote, urlsplit

from litestar import Request, Response

from control_plane.http.clock import Clock
from control_plane.http.cookies import SESSION, VISITOR
from control_plane.http.csrf import csrf_token, is_same_site, is_token_right
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn
from control_plane.members.rules import Permission, may
from control_plane.sessions.rules import SessionKind

_SAFE = {"GET", "HEAD", "OPTIONS"}
_MALFORMED = 400
_FIELD, _HEADER = "csrf", "x-csrf-token"

AnyRequest: TypeAlias = Request[Any, Any, Any]


class FindSignedIn(Protocol):
    async def __call__(self, token: str, now: datetime) -> SignedIn | None: ...


class Door:
    def __init__(
        self, pages: Pages, find: FindSignedIn, csrf_key: bytes, console_url: str, clock: Clock
    ) -> None:
        self._pages = pages
        self._find = find
        self._key = csrf_key
        self._origin = console_url
        self._clock = clock

    async def __call__(self, request: AnyRequest) -> Response[Any] | None:
        """Let the request in (None), or answer in its handler's place."""
        if b"%00" in request.scope["raw_path"] or b"%00" in request.scope["query_string"]:
            return self._refuse(
                request, _MALFORMED, "The request cannot be read."
            )  # no text has U+0000
        opt = request.route_handler.opt
        if opt.get("outside"):  # static files, probes, webhooks with a signature of their own
            return None
        token = request.cookies.get(SESSION, "")
        signed_in = await self._find(token, self._clock()) if token else None
        request.scope["signed_in"] = signed_in  # type: ignore[typeddict-unknown-key]
        cookie = token if signed_in else request.cookies.get(VISITOR, "")
        request.scope["csrf"] = csrf_token(self._key, cookie)  # type: ignore[typeddict-unknown-key]
        if request.method not in _SAFE and not await self._is_ours(request, cookie):
            return self._refuse(request, 403, "This form is out of date: load the page again.")
        return self._authorise(request, signed_in, opt)

    async def still_lets_in(self, request: AnyRequest) -> bool:
        """Tell whether who was let in by this request would be once more: for a long answer."""
        signed_in = await self._find(request.cookies.get(SESSION, ""), self._clock())
        if signed_in is None:
            return False
        return self._authorise(request, signed_in, request.route_handler.opt) is None

    async def _is_ours(self, request: AnyRequest, cookie: str) -> bool:
        """Tell whether a form of one of our own pages was sent (hostile-inputs.md I1, I2)."""
        if not cookie or not is_same_site(request.headers, self._origin):
            return False
        presented = request.headers.get(_HEADER)
        if presented is None:
            content_type, _ = request.content_type
            if content_type != "application/x-www-form-urlencoded":
                return False
            presented = str((await request.form()).get(_FIELD, ""))
        return is_token_right(self._key, cookie, presented)

    def _authorise(
        self, request: AnyRequest, signed_in: SignedIn | None, opt: dict[str, Any]
    ) -> Response[Any] | None:
        if opt.get("open"):
            return None
        if signed_in is None:
            return self._to_sign_in(request)
        if signed_in.session.kind is SessionKind.HALF:
            return None if opt.get("half") else self._pages.go(request, "/signin/second")
        if not opt.get("signed_in") and not _may(signed_in, opt.get("permission")):
            return self._refuse(request, 403, "Your role does not allow this.")
        return self._step_up(request, signed_in) if opt.get("step_up") else None

    def _step_up(self, request: AnyRequest, signed_in: SignedIn) -> Response[Any] | None:
        """Ask for a fresh proof of who it is, where the last one is some minutes old."""
        if signed_in.session.is_stepped_up(self._clock()):
            return None
        return self._pages.go(request, f"/signin/again?next={self._back(request)}")

    def _to_sign_in(self, request: AnyRequest) -> Response[Any]:
        return self._pages.go(request, f"/signin?next={self._back(request)}")

    def _back(self, request: AnyRequest) -> str:
        """Where to go on afterwards: the page itself, or for a form the page that it stood on."""
        if request.method in _SAFE:
            return quote(request.url.path)
        page = urlsplit(request.headers.get("referer", ""))
        return quote(page.path) if f"{page.scheme}://{page.netloc}" == self._origin else "/"

    def _refuse(self, request: AnyRequest, status: int, why: str) -> Response[str]:
        title = "Not possible" if status == _MALFORMED else "Not allowed"
        return self._pages.show(request, "refused.html", status=status, title=title, why=why)


def _may(signed_in: SignedIn, permission: Permission | None) -> bool:
    return permission is not None and signed_in.role is not None and may(signed_in.role, permission)
