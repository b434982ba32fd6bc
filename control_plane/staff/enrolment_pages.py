"""The pages behind the link that a command printed: a passkey, or a password and codes."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import SUPPORT, session_cookie
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages
from control_plane.http.visitors import Visitors
from control_plane.passkeys.pages import bound_to, json_of
from control_plane.passkeys.rules import PasskeyRefused
from control_plane.people.rules import WeakPassword
from control_plane.second_factors.actions import Offer, SetUpRefused
from control_plane.second_factors.rules import CodeRefused, picture_of
from control_plane.sessions.actions import Begun
from control_plane.staff.enrolment import Enrolment
from control_plane.staff.repository import StaffRow

_OPEN = {"open": True}

AnyRequest = Request[Any, Any, Any]


@get("/support/enrol", opt=_OPEN)
async def enrol_page(
    request: AnyRequest,
    visitors: NamedDependency[Visitors],
    enrolment: NamedDependency[Enrolment],
    clock: NamedDependency[Clock],
    token: FromQuery[str] = "",
) -> Response[str]:
    """A link that is good no more is refused (LinkRefused), as on the other paths."""
    held = await enrolment.whose(token, clock())
    return _show(request, visitors, held, token, enrolment.offer(held))


@get("/support/enrol/picture.svg", opt=_OPEN)
async def picture(
    pages: NamedDependency[Pages],
    enrolment: NamedDependency[Enrolment],
    clock: NamedDependency[Clock],
    token: FromQuery[str] = "",
    sealed: FromQuery[str] = "",
) -> Response[bytes]:
    """Draw what an app reads: a file of ours, since the policy lets a page hold no image."""
    held = await enrolment.whose(token, clock())
    drawing = picture_of(enrolment.offered(sealed, held).secret, held.email)
    return Response(drawing, media_type="image/svg+xml", headers=dict(pages.headers))


@post("/support/enrol/password", opt=_OPEN, status_code=200)
async def enrol_by_password(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    enrolment: NamedDependency[Enrolment],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, visitor, now = await read_fields(request), visitors.visitor(request), clock()
    await attempts.count_network(now, visitor.address)
    token = fields["token"]
    held = await enrolment.whose(token, now)
    try:
        offer = enrolment.offered(fields["sealed"], held)
    except SetUpRefused as refusal:
        return _show(request, visitors, held, token, enrolment.offer(held), str(refusal))
    try:
        begun = await enrolment.by_password(
            token, fields["password"], offer, fields["code"], visitor, now
        )
    except (WeakPassword, CodeRefused) as refusal:
        return _show(request, visitors, held, token, offer, str(refusal))
    return _signed_in(request, pages, begun)


@get("/support/enrol/passkey/options", opt=_OPEN)
async def enrol_options(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    enrolment: NamedDependency[Enrolment],
    clock: NamedDependency[Clock],
    token: FromQuery[str] = "",
) -> Response[bytes]:
    return json_of(pages, await enrolment.passkey_options(token, bound_to(request), clock()))


@post("/support/enrol/passkey", opt=_OPEN, status_code=200)
async def enrol_by_passkey(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    enrolment: NamedDependency[Enrolment],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, visitor = await read_fields(request), visitors.visitor(request)
    token = fields["token"]
    try:
        begun = await enrolment.by_passkey(
            token, bound_to(request), fields["credential"], visitor, clock()
        )
    except PasskeyRefused as refusal:
        held = await enrolment.whose(token, clock())
        return _show(request, visitors, held, token, enrolment.offer(held), str(refusal))
    return _signed_in(request, pages, begun)


ENROLMENT_PAGES = [
    enrol_page,
    picture,
    enrol_by_password,
    enrol_options,
    enrol_by_passkey,
]


def _show(
    request: AnyRequest,
    visitors: Visitors,
    held: StaffRow,
    token: str,
    offer: Offer,
    error: str = "",
) -> Response[str]:
    return visitors.show(
        request,
        "support/sign_in/enrol.html",
        status=422 if error else 200,
        token=token,
        name=held.name,
        email=held.email,
        offer=offer,
        error=error,
    )


def _signed_in(request: AnyRequest, pages: Pages, begun: Begun) -> Response[None]:
    return pages.go(request, "/support", [session_cookie(begun, SUPPORT.session)])
