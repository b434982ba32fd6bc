"""Signing in to the support app and out of it: by passkey, or by password and code."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import SUPPORT, no_session_cookie, session_cookie
from control_plane.http.forms import Fields, read_fields
from control_plane.http.rendering import Pages, own_path
from control_plane.http.visitors import Visitors
from control_plane.passkeys.pages import bound_to, json_of
from control_plane.passkeys.rules import PasskeyRefused
from control_plane.people.actions import SignInRefused
from control_plane.second_factors.rules import CodeRefused
from control_plane.staff.actions import StaffSignIn
from control_plane.staff.signed_in import staff_of

_OPEN = {"open": True}
_HALF = {"signed_in": True, "half": True, "unreasoned": True}

AnyRequest = Request[Any, Any, Any]


@get("/support/signin", opt=_OPEN)
async def sign_in_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    next: FromQuery[str] = "",  # noqa: A002 - as it stands in the query
) -> Response[Any]:
    if request.scope.get("signed_in"):
        return pages.go(request, _onward(next))
    return _ask(request, visitors, email="", target=next)


@post("/support/signin", opt=_OPEN, status_code=200)
async def sign_in(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    signing_in: NamedDependency[StaffSignIn],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, visitor, now = await read_fields(request), visitors.visitor(request), clock()
    name = _name_of(fields)
    await attempts.count(now, visitor.address, f"staff {name}")
    try:
        begun = await signing_in.by_password(name, fields["password"], visitor, now)
    except SignInRefused as refusal:
        answer = _ask(
            request, visitors, email=fields["email"], target=fields["next"], error=str(refusal)
        )
        if await attempts.is_news(now, f"staff {name}"):
            # after the answer: its time tells nobody whether the address is known
            answer.background = BackgroundTask(signing_in.note_refused, name, visitor, "password")
        return answer
    second = "/support/signin/second?" + urlencode({"next": _onward(fields["next"])})
    return pages.go(request, second, [session_cookie(begun, SUPPORT.session)])


@get("/support/signin/second", opt=_HALF, sync_to_thread=False)
def second_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    next: FromQuery[str] = "",  # noqa: A002 - as it stands in the query
) -> Response[Any]:
    if staff_of(request).is_whole:
        return pages.go(request, _onward(next))
    return pages.show(request, "support/sign_in/second.html", next=next, error="")


@post("/support/signin/second", opt=_HALF, status_code=200)
async def second(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    signing_in: NamedDependency[StaffSignIn],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, staff, now = await read_fields(request), staff_of(request), clock()
    target = _onward(fields["next"])
    if staff.is_whole:
        return pages.go(request, target)
    await attempts.count_code(now, staff.staff_id)
    visitor = visitors.visitor(request)
    try:
        begun = await signing_in.by_code(staff.staff_id, fields["code"], visitor, now)
    except CodeRefused as refusal:
        if await attempts.is_news(now, staff.staff_id):
            await signing_in.note_refused(staff.email, visitor, "code")
        return pages.show(
            request, "support/sign_in/second.html", status=422, next=target, error=str(refusal)
        )
    return pages.go(request, target, [session_cookie(begun, SUPPORT.session)])


@get("/support/signin/passkey/options", opt=_OPEN, sync_to_thread=False)
def passkey_options(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    signing_in: NamedDependency[StaffSignIn],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    return json_of(pages, signing_in.passkey_options(bound_to(request), clock()))


@post("/support/signin/passkey", opt=_OPEN, status_code=200)
async def sign_in_by_passkey(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    signing_in: NamedDependency[StaffSignIn],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, visitor, now = await read_fields(request), visitors.visitor(request), clock()
    await attempts.count_network(now, visitor.address)
    sent = fields["credential"]
    try:
        begun = await signing_in.by_passkey(bound_to(request), sent, visitor, now)
    except PasskeyRefused as refusal:
        claimed = await signing_in.claimed_by(sent)
        if claimed and await attempts.is_news(now, f"staff {claimed}"):
            await signing_in.note_refused(claimed, visitor, "passkey")
        return _ask(request, visitors, email="", target=fields["next"], error=str(refusal))
    target = _onward(fields["next"])
    return pages.go(request, target, [session_cookie(begun, SUPPORT.session)])


@post("/support/signout", opt=_OPEN, status_code=200)
async def sign_out(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    signing_in: NamedDependency[StaffSignIn],
) -> Response[Any]:
    await signing_in.sign_out(visitors.visitor(request))
    return pages.go(request, "/support/signin", [no_session_cookie(SUPPORT.session)])


SIGN_IN_PAGES = [
    sign_in_page,
    sign_in,
    second_page,
    second,
    passkey_options,
    sign_in_by_passkey,
    sign_out,
]


def _ask(
    request: AnyRequest, visitors: Visitors, *, email: str, target: str, error: str = ""
) -> Response[str]:
    return visitors.show(
        request,
        "support/sign_in/sign_in.html",
        status=422 if error else 200,
        email=email,
        next=target,
        error=error,
    )


def _onward(target: str) -> str:
    """Give the page of support's that was asked for, or where one starts."""
    path = own_path(target)
    return path if path.startswith("/support/") else "/support"


def _name_of(fields: Fields) -> str:
    return fields["email"].strip().lower()
