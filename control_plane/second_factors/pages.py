"""The second step of sign-in, and setting a second factor up."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.audit.acting import acting
from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import SESSION, session_cookie
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages, own_path
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.second_factors.actions import (
    Offer,
    SecondFactors,
    SetUpRefused,
)
from control_plane.second_factors.rules import CodeRefused, picture_of
from control_plane.sessions.rules import SessionKind

_HALF = {"signed_in": True, "half": True}
_STEPPED_UP = {"signed_in": True, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/signin/second", opt=_HALF)
async def second_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    next: FromQuery[str] = "/",  # noqa: A002 - as it stands in the query
    remember: FromQuery[str] = "",
) -> Response[Any]:
    if signed_in_of(request).is_whole:
        return pages.go(request, own_path(next))
    return _ask(request, pages, target=own_path(next), remember=remember)


@post("/signin/second", opt=_HALF, status_code=200)
async def second(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    second_factors: NamedDependency[SecondFactors],
    visitors: NamedDependency[Visitors],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, session = await read_fields(request), signed_in_of(request).session
    target, remember = own_path(fields["next"]), fields["remember"]
    if session.kind is not SessionKind.HALF:
        return pages.go(request, target)
    await attempts.count_code(clock(), session.person_id)
    try:
        begun = await second_factors.complete(
            acting(request, visitors),
            request.cookies[SESSION],
            fields["code"],
            SessionKind.REMEMBERED if remember else SessionKind.CONSOLE,
            clock(),
        )
    except CodeRefused as refusal:
        if await attempts.is_news(clock(), session.person_id):
            await second_factors.note_refused(acting(request, visitors))
        return _ask(request, pages, target=target, remember=remember, error=str(refusal))
    return pages.go(request, target, [session_cookie(begun)])


@get("/you/second-factor", opt=_STEPPED_UP)
async def set_up_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    second_factors: NamedDependency[SecondFactors],
) -> Response[str]:
    person_id = signed_in_of(request).session.person_id
    left = await second_factors.codes_left(person_id)
    if left is not None:
        return pages.show(request, "second_factors/on.html", left=left)
    return _offer(request, pages, second_factors.offer(person_id))


@get("/you/second-factor/picture.svg", opt=_STEPPED_UP)
async def picture(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    second_factors: NamedDependency[SecondFactors],
    sealed: FromQuery[str] = "",
) -> Response[bytes]:
    """Draw what an app reads: a file of ours, since the policy lets a page hold no image."""
    signed_in = signed_in_of(request)
    secret = second_factors.offered(sealed, signed_in.session.person_id).secret
    drawing = picture_of(secret, signed_in.email)
    return Response(drawing, media_type="image/svg+xml", headers=dict(pages.headers))


@post("/you/second-factor", opt=_STEPPED_UP, status_code=200)
async def turn_on(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    second_factors: NamedDependency[SecondFactors],
    visitors: NamedDependency[Visitors],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, person_id = await read_fields(request), signed_in_of(request).session.person_id
    await attempts.count_code(clock(), person_id)
    try:
        done = await second_factors.turn_on(
            acting(request, visitors),
            fields["sealed"],
            fields["code"],
            request.cookies[SESSION],
            clock(),
        )
    except CodeRefused as refusal:
        offer = second_factors.offered(fields["sealed"], person_id)
        return _offer(request, pages, offer, error=str(refusal))
    except SetUpRefused:
        return pages.go(request, "/you/second-factor")
    return pages.show(
        request,
        "second_factors/codes.html",
        codes=done.recovery_codes,
        cookies=[session_cookie(done.begun)],
    )


@post("/you/second-factor/codes", opt=_STEPPED_UP, status_code=200)
async def renew_codes(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    second_factors: NamedDependency[SecondFactors],
) -> Response[str]:
    codes = await second_factors.renew_recovery_codes(acting(request, visitors))
    return pages.show(request, "second_factors/codes.html", codes=codes)


@post("/you/second-factor/off", opt=_STEPPED_UP, status_code=200)
async def turn_off(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    second_factors: NamedDependency[SecondFactors],
) -> Response[Any]:
    await second_factors.turn_off(acting(request, visitors))
    return pages.go(request, "/you")


SECOND_FACTOR_PAGES = [
    second_page,
    second,
    set_up_page,
    picture,
    turn_on,
    renew_codes,
    turn_off,
]


def _ask(
    request: AnyRequest,
    pages: Pages,
    *,
    target: str,
    remember: str,
    error: str = "",
) -> Response[str]:
    return pages.show(
        request,
        "second_factors/second.html",
        status=422 if error else 200,
        next=target,
        remember=remember,
        error=error,
    )


def _offer(request: AnyRequest, pages: Pages, offer: Offer, error: str = "") -> Response[str]:
    return pages.show(
        request,
        "second_factors/set_up.html",
        status=422 if error else 200,
        offer=offer,
        error=error,
    )
