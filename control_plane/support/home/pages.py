"""Where one of the staff starts; opening an account with a reason, and giving it back."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from control_plane.http.forms import read_fields
from control_plane.http.rendering import own_path
from control_plane.staff.grants import account_name, end_grant, list_grants, open_grant
from control_plane.staff.rules import StaffPermission
from control_plane.support.home.actions import needs_of
from control_plane.support.shown import SupportShower
from control_plane.support.suspensions.deletions import waiting_deletions

_OPEN = {"open": True}
_SEES = {"staff": StaffPermission.SEE}
_OWN = {"staff": StaffPermission.SEE, "unreasoned": True}

AnyRequest = Request[Any, Any, Any]


@get("/", opt=_OPEN, sync_to_thread=False)
def root(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[Any]:
    return support.go(request, "/support")


@get("/support", opt=_SEES)
async def home_page(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[str]:
    staff_id = support.staff(request).staff_id
    opened = await list_grants(support.database, staff_id, support.now())
    needs = await needs_of(support.database, support.now())
    deletions = await waiting_deletions(support.database)
    return support.show(
        request,
        "home/home.html",
        opened=opened,
        needs=needs,
        deletions=deletions,
        me=staff_id,
    )


@get("/support/accounts/{account_id:str}/open", opt=_SEES)
async def open_page(
    request: AnyRequest,
    account_id: FromPath[str],
    support: NamedDependency[SupportShower],
    next: FromQuery[str] = "",  # noqa: A002 - as it stands in the query
) -> Response[str]:
    """Ask why. Which accounts there are, and their names, a search shows too."""
    name = await account_name(support.database, account_id)
    if name is None:
        raise NotFoundException
    return support.show(
        request, "home/open.html", account_id=account_id, account_name=name, next=next
    )


@post("/support/accounts/{account_id:str}/open", opt=_SEES, status_code=200)
async def open_account(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    act = support.act(request)
    target = own_path((await read_fields(request))["next"])
    if await open_grant(support.database, act.by, account_id, act.why, support.now()) is None:
        raise NotFoundException
    here = f"/support/accounts/{account_id}"
    return support.go(request, target if target.startswith(here) else here)


@post("/support/accounts/{account_id:str}/close", opt=_OWN, status_code=200)
async def close_account(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    await end_grant(support.database, support.acting(request), account_id, support.now())
    return support.go(request, "/support")


HOME_PAGES = [root, home_page, open_page, open_account, close_account]
