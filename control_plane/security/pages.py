"""A person's own page, `/you`, and proving again who it is, `/signin/again`."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from control_plane.audit.acting import acting
from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import SESSION, no_session_cookie, session_cookie
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages, own_path
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.passkeys.actions import Passkeys
from control_plane.passkeys.pages import bound_to, json_of
from control_plane.passkeys.rules import PasskeyRefused
from control_plane.people.rules import WeakPassword
from control_plane.second_factors.rules import CodeRefused
from control_plane.security.actions import OwnSecurity, PasswordChange, ProofRefused
from control_plane.security.shown import AgainShower

_SIGNED_IN = {"signed_in": True}
_DONE = {
    "password": "Your password is changed, and every other session was ended.",
    "session": "The session was ended.",
    "others": "Every other session was ended.",
}

AnyRequest = Request[Any, Any, Any]


@get("/you", opt=_SIGNED_IN)
async def you(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    security: NamedDependency[OwnSecurity],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Response[str]:
    return await _you(request, pages, security, clock, done=_DONE.get(done, ""))


@post("/you/password", opt=_SIGNED_IN, status_code=200)
async def change_password(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    security: NamedDependency[OwnSecurity],
    attempts: NamedDependency[Attempts],
    visitors: NamedDependency[Visitors],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, session = await read_fields(request), signed_in_of(request).session
    await attempts.count(clock(), visitors.visitor(request).address, session.person_id)
    try:
        begun = await security.change_password(
            session,
            request.cookies[SESSION],
            PasswordChange(current=fields["current"], new=fields["new"]),
            acting(request, visitors),
            clock(),
        )
    except ProofRefused as refusal:
        return await _you(request, pages, security, clock, errors={"current": str(refusal)})
    except WeakPassword as refusal:
        return await _you(request, pages, security, clock, errors={"new": str(refusal)})
    return pages.go(request, "/you?done=password", [session_cookie(begun)])


@post("/you/sessions/end", opt=_SIGNED_IN, status_code=200)
async def end_session(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    security: NamedDependency[OwnSecurity],
) -> Response[Any]:
    session = signed_in_of(request).session
    public_id = (await read_fields(request))["session"]
    await security.end_session(public_id, acting(request, visitors))
    if public_id == session.public_id:
        return pages.go(request, "/signin", [no_session_cookie()])
    return pages.go(request, "/you?done=session")


@post("/you/sessions/end-others", opt=_SIGNED_IN, status_code=200)
async def end_others(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    security: NamedDependency[OwnSecurity],
) -> Response[Any]:
    await security.end_others(request.cookies[SESSION], acting(request, visitors))
    return pages.go(request, "/you?done=others")


@get("/signin/again", opt=_SIGNED_IN)
async def again_page(
    request: AnyRequest,
    again_shower: NamedDependency[AgainShower],
    next: FromQuery[str] = "/",  # noqa: A002 - as it stands in the query
) -> Response[str]:
    return await again_shower.ask(request, own_path(next))


@post("/signin/again", opt=_SIGNED_IN, status_code=200)
async def again(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    again_shower: NamedDependency[AgainShower],
    security: NamedDependency[OwnSecurity],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, session = await read_fields(request), signed_in_of(request).session
    target = own_path(fields["next"])
    await attempts.count_code(clock(), session.person_id)
    try:
        begun = await security.step_up(session, request.cookies[SESSION], fields["proof"], clock())
    except (ProofRefused, CodeRefused) as refusal:
        return await again_shower.refuse(request, target, error=str(refusal))
    return pages.go(request, target, [session_cookie(begun)])


@get("/signin/again/passkey/options", opt=_SIGNED_IN)
async def again_options(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    passkeys: NamedDependency[Passkeys],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    person_id = signed_in_of(request).session.person_id
    options = await passkeys.step_up_options(person_id, bound_to(request), clock())
    return json_of(pages, options)


@post("/signin/again/passkey", opt=_SIGNED_IN, status_code=200)
async def again_by_passkey(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    again_shower: NamedDependency[AgainShower],
    passkeys: NamedDependency[Passkeys],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, person_id = await read_fields(request), signed_in_of(request).session.person_id
    target, sent = own_path(fields["next"]), fields["credential"]
    try:
        begun = await passkeys.step_up(
            person_id, request.cookies[SESSION], bound_to(request), sent, clock()
        )
    except PasskeyRefused as refusal:
        return await again_shower.refuse(request, target, passkey_error=str(refusal))
    return pages.go(request, target, [session_cookie(begun)])


SECURITY_PAGES = [
    you,
    change_password,
    end_session,
    end_others,
    again_page,
    again,
    again_options,
    again_by_passkey,
]


async def _you(
    request: AnyRequest,
    pages: Pages,
    security: OwnSecurity,
    clock: Clock,
    **shown: Any,
) -> Response[str]:
    session = signed_in_of(request).session
    values = {"done": "", "errors": {}} | shown
    return pages.show(
        request,
        "security/you.html",
        status=422 if values["errors"] else 200,
        codes_left=await security.codes_left(session.person_id),
        sessions=await security.list_sessions(session, clock()),
        **values,
    )
