"""Team (A14): the members of the account, invitations, roles and their matrix."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.audit.acting import acting
from control_plane.http.clock import Clock
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import account_of, signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.members.rules import (
    MATRIX,
    ROLE_NAMES,
    Permission,
    Role,
    RoleRefused,
)
from control_plane.people.rules import InvalidEmail
from control_plane.team.actions import TeamKeeper
from control_plane.team.rules import InvitationRefused, SeatsTaken, UnknownMember, read_role

_SEES = {"permission": Permission.SEE_TENANTS}
_CHANGES = {"permission": Permission.CHANGE_MEMBERS, "step_up": True}
_REFUSALS = (InvalidEmail, RoleRefused, SeatsTaken, InvitationRefused)

AnyRequest = Request[Any, Any, Any]


@get("/team", opt=_SEES)
async def team_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    team: NamedDependency[TeamKeeper],
    clock: NamedDependency[Clock],
) -> Response[str]:
    return await _show(request, pages, team, clock)


@post("/team/invite", opt=_CHANGES, status_code=200)
async def invite(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    team: NamedDependency[TeamKeeper],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    fields = await read_fields(request)
    by = acting(request, visitors)
    try:
        role = read_role(fields["role"])
        await team.invite(account_of(request), fields["email"], role, by, clock())
    except _REFUSALS as refusal:
        return await _show(request, pages, team, clock, str(refusal), fields["email"])
    return pages.go(request, "/team")


@post("/team/withdraw", opt=_CHANGES, status_code=200)
async def withdraw(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    team: NamedDependency[TeamKeeper],
) -> Response[Any]:
    email = (await read_fields(request))["email"]
    try:
        await team.withdraw(account_of(request), email, acting(request, visitors))
    except UnknownMember:
        raise NotFoundException from None
    return pages.go(request, "/team")


@post("/team/{person_id:str}/role", opt=_CHANGES, status_code=200)
async def change_role(
    request: AnyRequest,
    person_id: FromPath[str],
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    team: NamedDependency[TeamKeeper],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    by = acting(request, visitors)
    try:
        to = read_role((await read_fields(request))["role"])
        await team.change_role(account_of(request), person_id, to, by)
    except RoleRefused as refusal:
        return await _show(request, pages, team, clock, str(refusal))
    except UnknownMember:
        raise NotFoundException from None
    return pages.go(request, "/team")


@post("/team/{person_id:str}/remove", opt=_CHANGES, status_code=200)
async def remove(
    request: AnyRequest,
    person_id: FromPath[str],
    pages: NamedDependency[Pages],
    visitors: NamedDependency[Visitors],
    team: NamedDependency[TeamKeeper],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    try:
        await team.remove(account_of(request), person_id, acting(request, visitors))
    except RoleRefused as refusal:
        return await _show(request, pages, team, clock, str(refusal))
    except UnknownMember:
        raise NotFoundException from None
    return pages.go(request, "/team")


TEAM_PAGES = [team_page, invite, withdraw, change_role, remove]


async def _show(
    request: AnyRequest,
    pages: Pages,
    team: TeamKeeper,
    clock: Clock,
    error: str = "",
    email: str = "",
) -> Response[str]:
    signed_in = signed_in_of(request)
    found = await team.show(account_of(request), clock())
    given = [role for role in Role if role is not Role.OWNER or signed_in.role is Role.OWNER]
    return pages.show(
        request,
        "team/team.html",
        status=422 if error else 200,
        team=found,
        roles=ROLE_NAMES,
        given=given,
        matrix=MATRIX,
        permissions=list(Permission),
        me=signed_in.session.person_id,
        error=error,
        email=email,
    )
