"""What a member may in the console.

A handler says `permission=Permission.…`, or `signed_in=True` for a person's own pages; and beside
it `step_up=True` where a fresh proof of who it is is asked for, `half=True` where half a session
is enough.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias

from litestar import Response

from control_plane.http.clock import Clock
from control_plane.http.door import AnyRequest, back_to, refuse
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn
from control_plane.members.rules import Permission, may
from control_plane.sessions.rules import SessionKind

FindSignedIn: TypeAlias = Callable[[str, datetime], Awaitable[SignedIn | None]]


class MemberRights:
    """A door.Rights."""

    def __init__(self, pages: Pages, find: FindSignedIn, clock: Clock) -> None:
        self._pages = pages
        self._find = find
        self._clock = clock

    async def find(self, token: str, now: datetime) -> SignedIn | None:
        return await self._find(token, now)

    async def judge(self, request: AnyRequest, signed_in: SignedIn) -> Response[Any] | None:
        opt = request.route_handler.opt
        if signed_in.session.kind is SessionKind.HALF:
            return None if opt.get("half") else self._pages.go(request, "/signin/second")
        if signed_in.is_shut_out and not opt.get("signed_in"):
            return self._pages.show(request, "suspended.html", status=403)
        if not opt.get("signed_in") and not _may(signed_in, opt.get("permission")):
            return refuse(self._pages, request, "Your role does not allow this.")
        return self._step_up(request, signed_in) if opt.get("step_up") else None

    def _step_up(self, request: AnyRequest, signed_in: SignedIn) -> Response[Any] | None:
        """Ask for a fresh proof of who it is, where the last one is some minutes old."""
        if signed_in.session.is_stepped_up(self._clock()):
            return None
        back = back_to(request, self._pages.origin)
        return self._pages.go(request, f"/signin/again?next={back}")


def _may(signed_in: SignedIn, permission: Permission | None) -> bool:
    return permission is not None and signed_in.role is not None and may(signed_in.role, permission)
