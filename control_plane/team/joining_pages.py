"""Accepting an invitation, and moving between the accounts that a person is in."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from control_plane.audit.acting import acting, acting_as, person_acting
from control_plane.http.clock import Clock
from control_plane.http.cookies import SESSION, session_cookie
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import SignedIn, signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.people.rules import WeakPassword
from control_plane.sessions.rules import SessionKind
from control_plane.team.joining import Joining
from control_plane.team.rules import InvitationRefused

_OPEN = {"open": True}
_SIGNED_IN = {"signed_in": True}

AnyRequest = Request[Any, Any, Any]


@get("/invitation", opt=_OPEN)
async def invitation_page(
    request: AnyRequest,
    visitors: NamedDependency[Visitors],
    joining: NamedDependency[Joining],
    clock: NamedDependency[Clock],
    token: FromQuery[str] = "",
) -> Response[str]:
    return await _show(request, visitors, joining, clock, token)


@post("/invitation", opt=_OPEN, status_code=200)
async def accept(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    joining: NamedDependency[Joining],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields = await read_fields(request)
    token, signed_in = fields["token"], _whole(request)
    try:
        if signed_in is not None:
            by = acting_as(signed_in, request, visitors)
            session = request.cookies.get(SESSION, "")
            begun = await joining.accept(token, session, by, clock())
        else:
            by, visitor = person_acting("", "", request, visitors), visitors.visitor(request)
            begun = await joining.join(token, fields["password"], by, visitor, clock())
    except (InvitationRefused, WeakPassword) as refusal:
        return await _show(request, visitors, joining, clock, token, str(refusal))
    return pages.go(request, "/", [session_cookie(begun)])


@get("/accounts", opt=_SIGNED_IN)
async def accounts_page(
    request: AnyRequest, pages: NamedDependency[Pages], joining: NamedDependency[Joining]
) -> Response[str]:
    found = await joining.accounts_of(signed_in_of(request).session.person_id)
    return pages.show(request, "team/accounts.html", accounts=found)


@post("/accounts/switch", opt=_SIGNED_IN, status_code=200)
async def switch(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    joining: NamedDependency[Joining],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    account_id = (await read_fields(request))["account_id"]
    by, session = acting(request, visitors), request.cookies.get(SESSION, "")
    begun = await joining.switch(by, session, account_id, clock())
    if begun is None:
        raise NotFoundException
    return pages.go(request, "/", [session_cookie(begun)])


JOINING_PAGES = [invitation_page, accept, accounts_page, switch]


def _whole(request: AnyRequest) -> SignedIn | None:
    """Give who is signed in; half of a session proves too little to join as that person."""
    signed_in = request.scope.get("signed_in")
    if isinstance(signed_in, SignedIn) and signed_in.session.kind is not SessionKind.HALF:
        return signed_in
    return None


async def _show(
    request: AnyRequest,
    visitors: Visitors,
    joining: Joining,
    clock: Clock,
    token: str,
    error: str = "",
) -> Response[str]:
    signed_in = _whole(request)
    try:
        offer = await joining.look_at(token, clock())
    except InvitationRefused as refusal:
        return visitors.show(
            request, "refused.html", status=422, title="No such invitation", why=str(refusal)
        )
    return visitors.show(
        request,
        "team/invitation.html",
        status=422 if error else 200,
        offer=offer,
        token=token,
        error=error,
        person=signed_in.email if signed_in else "",
    )
