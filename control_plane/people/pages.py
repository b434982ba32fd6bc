"""Sign-up, confirming the address, sign-in, sign-out, a forgotten password (A1)."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.accounts.rules import InvalidAccount
from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import no_session_cookie, session_cookie
from control_plane.http.even_time import even_time
from control_plane.http.forms import Fields, read_fields
from control_plane.http.rendering import Pages, own_path
from control_plane.http.visitors import Visitors
from control_plane.people.actions import (
    LinkRefused,
    PeopleKeeper,
    SignInRefused,
    SignUp,
)
from control_plane.people.rules import InvalidEmail, WeakPassword
from control_plane.sessions.actions import Begun
from control_plane.sessions.rules import SessionKind

_OPEN = {"open": True}
_SECRET = ("password", "csrf", "token")

AnyRequest = Request[Any, Any, Any]


@get("/signup", opt=_OPEN)
async def sign_up_page(request: AnyRequest, visitors: NamedDependency[Visitors]) -> Response[str]:
    return visitors.show(request, "people/sign_up.html", form={}, errors={})


@post("/signup", opt=_OPEN, status_code=200)
async def sign_up(
    request: AnyRequest,
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields = await read_fields(request)
    await attempts.count_letter(clock(), _name_of(fields))
    asked = SignUp(email=fields["email"], password=fields["password"], account=fields["account"])
    try:
        async with even_time():
            await people.sign_up(asked, visitors.visitor(request), clock())
    except (InvalidEmail, WeakPassword, InvalidAccount) as refusal:
        errors = {_field_of(refusal): str(refusal)}
        form = fields.without(*_SECRET)
        return visitors.show(request, "people/sign_up.html", status=422, form=form, errors=errors)
    return visitors.show(request, "people/sent.html", email=fields["email"], why="confirm")


@post("/verify/again", opt=_OPEN, status_code=200)
async def send_again(
    request: AnyRequest,
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[str]:
    fields = await read_fields(request)
    await attempts.count_letter(clock(), _name_of(fields))
    async with even_time():
        with suppress(InvalidEmail):
            await people.send_verification_again(fields["email"], clock())
    return visitors.show(request, "people/sent.html", email=fields["email"], why="confirm")


@get("/verify", opt=_OPEN)
async def verify_page(
    request: AnyRequest, visitors: NamedDependency[Visitors], token: FromQuery[str] = ""
) -> Response[str]:
    """Ask for a click: programs that look at mail open every link in it."""
    return visitors.show(request, "people/verify.html", token=token)


@post("/verify", opt=_OPEN, status_code=200)
async def verify(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    token = (await read_fields(request))["token"]
    try:
        begun = await people.verify(token, visitors.visitor(request), clock())
    except LinkRefused as refusal:
        return visitors.show(request, "people/link_refused.html", status=422, why=str(refusal))
    return pages.go(request, "/start", [session_cookie(begun)])


@get("/signin", opt=_OPEN)
async def sign_in_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    next: FromQuery[str] = "/",  # noqa: A002 - as it stands in the query
) -> Response[Any]:
    if request.scope.get("signed_in"):
        return pages.go(request, own_path(next))
    return visitors.show(request, "people/sign_in.html", form={"next": own_path(next)}, error="")


@post("/signin", opt=_OPEN, status_code=200)
async def sign_in(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields = await read_fields(request)
    visitor, now = visitors.visitor(request), clock()
    await attempts.count(now, visitor.address, _name_of(fields))
    kind = SessionKind.REMEMBERED if fields["remember"] else SessionKind.CONSOLE
    try:
        begun = await people.sign_in(fields["email"], fields["password"], kind, visitor, now)
    except SignInRefused as refusal:
        answer = visitors.show(
            request,
            "people/sign_in.html",
            status=422,
            form=fields.without(*_SECRET),
            error=str(refusal),
        )
        if await attempts.is_news(now, _name_of(fields)):
            answer.background = BackgroundTask(
                people.note_refused, _name_of(fields), visitor, "password"
            )
        return answer
    return pages.go(request, _onward(begun, fields), [session_cookie(begun)])


@post("/signout", opt=_OPEN, status_code=200)
async def sign_out(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
) -> Response[Any]:
    await people.sign_out(visitors.visitor(request))
    return pages.go(request, "/signin", [no_session_cookie()])


@get("/reset", opt=_OPEN)
async def reset_page(request: AnyRequest, visitors: NamedDependency[Visitors]) -> Response[str]:
    return visitors.show(request, "people/reset.html")


@post("/reset", opt=_OPEN, status_code=200)
async def ask_reset(
    request: AnyRequest,
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[str]:
    fields = await read_fields(request)
    await attempts.count_letter(clock(), _name_of(fields))
    async with even_time():
        await people.ask_reset(fields["email"], clock())
    return visitors.show(request, "people/sent.html", email=fields["email"], why="reset")


@get("/reset/choose", opt=_OPEN)
async def choose_page(
    request: AnyRequest, visitors: NamedDependency[Visitors], token: FromQuery[str] = ""
) -> Response[str]:
    return visitors.show(request, "people/choose.html", token=token, error="")


@post("/reset/choose", opt=_OPEN, status_code=200)
async def choose(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    people: NamedDependency[PeopleKeeper],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields = await read_fields(request)
    try:
        visitor = visitors.visitor(request)
        await people.reset(fields["token"], fields["password"], visitor, clock())
    except WeakPassword as refusal:
        return visitors.show(
            request,
            "people/choose.html",
            status=422,
            token=fields["token"],
            error=str(refusal),
        )
    except LinkRefused as refusal:
        return visitors.show(request, "people/link_refused.html", status=422, why=str(refusal))
    return pages.go(request, "/signin")


PEOPLE_PAGES = [
    sign_up_page,
    sign_up,
    send_again,
    verify_page,
    verify,
    sign_in_page,
    sign_in,
    sign_out,
    reset_page,
    ask_reset,
    choose_page,
    choose,
]


def _onward(begun: Begun, fields: Fields) -> str:
    """Where sign-in leads: to what was asked for, or first to the second factor."""
    target = own_path(fields["next"] or "/")
    if begun.session.kind is not SessionKind.HALF:
        return target
    return "/signin/second?" + urlencode({"next": target, "remember": fields["remember"]})


def _name_of(fields: Fields) -> str:
    return fields["email"].strip().lower()


def _field_of(refusal: Exception) -> str:
    match refusal:
        case InvalidEmail():
            return "email"
        case WeakPassword():
            return "password"
        case _:
            return "account"
