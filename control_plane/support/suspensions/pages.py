"""Suspending an account and restoring it; asking for a tenant's deletion and deciding it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.forms import read_fields
from control_plane.staff.rules import StaffPermission
from control_plane.support.shown import SupportShower
from control_plane.support.suspensions.actions import change_suspension, show_suspensions
from control_plane.support.suspensions.deletions import ask_for_deletion, decide, deletions_of
from control_plane.support.suspensions.rules import DeletionRefused, SuspensionRefused
from shared.domain.suspension import SuspensionKind

_OF_ACCOUNT = "/support/accounts/{account_id:str}"
_SEES = {"staff": StaffPermission.SEE, "grant": True}
_SUSPENDS = {"staff": StaffPermission.SUSPEND, "grant": True}
_ASKS = {"staff": StaffPermission.REQUEST_DELETION, "grant": True}
_APPROVES = {"staff": StaffPermission.APPROVE_DELETION, "grant": True}

AnyRequest = Request[Any, Any, Any]


@get(_OF_ACCOUNT + "/suspension", opt=_SEES)
async def suspension_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _show(request, support, account_id)


@post(_OF_ACCOUNT + "/suspension", opt=_SUSPENDS, status_code=200)
async def suspend(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    kind = (await read_fields(request))["kind"]
    if kind not in set(SuspensionKind):
        return await _show(request, support, account_id, "Choose what to suspend.")
    return await _change(request, support, account_id, SuspensionKind(kind))


@post(_OF_ACCOUNT + "/restore", opt=_SUSPENDS, status_code=200)
async def restore(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    return await _change(request, support, account_id, None)


@get(_OF_ACCOUNT + "/deletions", opt=_SEES)
async def deletions_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _show_deletions(request, support, account_id)


@post(_OF_ACCOUNT + "/deletions", opt=_ASKS, status_code=200)
async def ask(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    slug = (await read_fields(request))["slug"].strip()
    try:
        now = support.now()
        await ask_for_deletion(support.database, support.act(request), account_id, slug, now)
    except DeletionRefused as refusal:
        return await _show_deletions(request, support, account_id, str(refusal), slug)
    return support.go(request, f"/support/accounts/{account_id}/deletions")


@post(_OF_ACCOUNT + "/deletions/{request_id:str}/approve", opt=_APPROVES, status_code=200)
async def approve(
    request: AnyRequest,
    account_id: FromPath[str],
    request_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[Any]:
    return await _decide(request, support, account_id, request_id, approve=True)


@post(_OF_ACCOUNT + "/deletions/{request_id:str}/decline", opt=_ASKS, status_code=200)
async def decline(
    request: AnyRequest,
    account_id: FromPath[str],
    request_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[Any]:
    return await _decide(request, support, account_id, request_id, approve=False)


SUSPENSION_PAGES = [
    suspension_page,
    suspend,
    restore,
    deletions_page,
    ask,
    approve,
    decline,
]


async def _change(
    request: AnyRequest, support: SupportShower, account_id: str, to: SuspensionKind | None
) -> Response[Any]:
    act, role = support.act(request), support.staff(request).role
    try:
        await change_suspension(support.database, act, role, account_id, to, support.now())
    except SuspensionRefused as refusal:
        return await _show(request, support, account_id, str(refusal))
    return support.go(request, f"/support/accounts/{account_id}/suspension")


async def _decide(
    request: AnyRequest, support: SupportShower, account_id: str, request_id: str, *, approve: bool
) -> Response[Any]:
    act, now = support.act(request), support.now()
    try:
        await decide(support.database, act, account_id, request_id, now, approve=approve)
    except DeletionRefused as refusal:
        return await _show_deletions(request, support, account_id, str(refusal))
    return support.go(request, f"/support/accounts/{account_id}/deletions")


async def _show(
    request: AnyRequest, support: SupportShower, account_id: str, error: str = ""
) -> Response[str]:
    return support.show(
        request,
        "suspensions/suspension.html",
        status=422 if error else 200,
        page=await show_suspensions(support.database, account_id),
        base=f"/support/accounts/{account_id}",
        error=error,
    )


async def _show_deletions(
    request: AnyRequest, support: SupportShower, account_id: str, error: str = "", slug: str = ""
) -> Response[str]:
    return support.show(
        request,
        "suspensions/deletions.html",
        status=422 if error else 200,
        deletions=await deletions_of(support.database, account_id),
        base=f"/support/accounts/{account_id}",
        me=support.staff(request).staff_id,
        error=error,
        slug=slug or request.query_params.get("slug", ""),
    )
