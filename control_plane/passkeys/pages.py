"""Passkeys: signing in with one, and a person's own list of them."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.audit.acting import acting
from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.cookies import session_cookie
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages, own_path
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.passkeys.actions import Passkeys
from control_plane.passkeys.rules import PasskeyRefused

_OPEN = {"open": True}
_STEPPED_UP = {"signed_in": True, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/signin/passkey/options", opt=_OPEN)
async def sign_in_options(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    passkeys: NamedDependency[Passkeys],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    return json_of(pages, passkeys.sign_in_options(bound_to(request), clock()))


@post("/signin/passkey", opt=_OPEN, status_code=200)
async def sign_in(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    passkeys: NamedDependency[Passkeys],
    attempts: NamedDependency[Attempts],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, visitor, now = await read_fields(request), visitors.visitor(request), clock()
    await attempts.count_network(now, visitor.address)
    try:
        begun = await passkeys.sign_in(bound_to(request), fields["credential"], visitor, now)
    except PasskeyRefused as refusal:
        claimed = await passkeys.claimed_by(fields["credential"])
        if claimed and await attempts.is_news(now, claimed):
            await passkeys.note_refused(claimed, visitor)
        form = {"next": own_path(fields["next"])}
        return visitors.show(
            request, "people/sign_in.html", status=422, form=form, error=str(refusal)
        )
    return pages.go(request, own_path(fields["next"]), [session_cookie(begun)])


@get("/you/passkeys", opt=_STEPPED_UP)
async def list_page(
    request: AnyRequest, pages: NamedDependency[Pages], passkeys: NamedDependency[Passkeys]
) -> Response[str]:
    return await _list(request, pages, passkeys)


@get("/you/passkeys/options", opt=_STEPPED_UP)
async def registration_options(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    passkeys: NamedDependency[Passkeys],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    signed_in = signed_in_of(request)
    options = await passkeys.registration_options(
        signed_in.session.person_id, signed_in.email, bound_to(request), clock()
    )
    return json_of(pages, options)


@post("/you/passkeys", opt=_STEPPED_UP, status_code=200)
async def register(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    passkeys: NamedDependency[Passkeys],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields, by = await read_fields(request), acting(request, visitors)
    try:
        await passkeys.register(
            by, bound_to(request), fields["credential"], fields["name"], clock()
        )
    except PasskeyRefused as refusal:
        return await _list(request, pages, passkeys, error=str(refusal))
    return pages.go(request, "/you/passkeys")


@post("/you/passkeys/remove", opt=_STEPPED_UP, status_code=200)
async def remove(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    passkeys: NamedDependency[Passkeys],
) -> Response[Any]:
    public_id = (await read_fields(request))["passkey"]
    await passkeys.remove(acting(request, visitors), public_id)
    return pages.go(request, "/you/passkeys")


PASSKEY_PAGES = [
    sign_in_options,
    sign_in,
    list_page,
    registration_options,
    register,
    remove,
]


def bound_to(request: AnyRequest) -> str:
    """Name who was asked: the token that only this browser's forms have."""
    return str(request.scope.get("csrf", ""))


def json_of(pages: Pages, text: str) -> Response[bytes]:
    return Response(text.encode(), media_type="application/json", headers=dict(pages.headers))


async def _list(
    request: AnyRequest, pages: Pages, passkeys: Passkeys, error: str = ""
) -> Response[str]:
    return pages.show(
        request,
        "passkeys/list.html",
        status=422 if error else 200,
        passkeys=await passkeys.list_passkeys(signed_in_of(request).session.person_id),
        error=error,
    )
