"""Abuse and health (C9): who stands out among all tenants, with a throttle beside each."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from control_plane.http.forms import one_of, read_fields
from control_plane.staff.rules import StaffPermission
from control_plane.support.abuse.actions import look_over, open_and_throttle
from control_plane.support.abuse.repository import LATEST
from control_plane.support.abuse.rules import HOURS, Over, read_throttle
from control_plane.support.shown import SupportShower

AnyRequest = Request[Any, Any, Any]


@get("/support/abuse", opt={"staff": StaffPermission.SEE})
async def abuse_page(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[str]:
    over = one_of(Over, request.query_params.get("over", ""), Over.HOUR)
    seen = await look_over(support.database, over, support.now())
    return support.show(
        request, "abuse/abuse.html", seen=seen, over=over, hours=HOURS, latest=LATEST
    )


@post("/support/abuse/throttle", opt={"staff": StaffPermission.CHANGE_LIMITS}, status_code=200)
async def throttle_account(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[Any]:
    fields, now = await read_fields(request), support.now()
    rate, until = read_throttle(fields["rate"], fields["hours"], now)
    account_id = fields["account_id"]
    act = support.act(request)
    if not await open_and_throttle(support.database, act, account_id, rate, until, now):
        raise NotFoundException
    return support.go(request, f"/support/accounts/{account_id}")


ABUSE_PAGES = [abuse_page, throttle_account]
