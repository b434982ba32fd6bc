"""An account's limits: default, contract, override and what comes of them (C3)."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.forms import Fields, read_fields
from control_plane.staff.rules import StaffPermission
from control_plane.support.limits.actions import end_override, set_override, show_overrides
from control_plane.support.limits.rules import (
    FIELD_NAMES,
    OverrideRefused,
    read_field,
    read_override,
)
from control_plane.support.shown import SupportShower

_LIMITS = "/support/accounts/{account_id:str}/limits"
_SEES = {"staff": StaffPermission.SEE, "grant": True}
_CHANGES = {"staff": StaffPermission.CHANGE_LIMITS, "grant": True}
_USUAL = timedelta(days=7)  # that the form offers

AnyRequest = Request[Any, Any, Any]


@get(_LIMITS, opt=_SEES)
async def limits_page(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _show(request, support, account_id, Fields({}))


@post(_LIMITS, opt=_CHANGES, status_code=200)
async def override(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    fields = await read_fields(request)
    act, now = support.act(request), support.now()
    try:
        new = read_override(fields["field"], fields["value"], fields["burst"], fields["until"], now)
        await set_override(support.database, act, account_id, new, now)
    except OverrideRefused as refusal:
        return await _show(request, support, account_id, fields, str(refusal))
    return support.go(request, f"/support/accounts/{account_id}/limits")


@post(_LIMITS + "/end", opt=_CHANGES, status_code=200)
async def end(
    request: AnyRequest, account_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[Any]:
    act, field = support.act(request), (await read_fields(request))["field"]
    try:
        await end_override(support.database, act, account_id, read_field(field), support.now())
    except OverrideRefused as refusal:
        return await _show(request, support, account_id, Fields({}), str(refusal))
    return support.go(request, f"/support/accounts/{account_id}/limits")


OVERRIDE_PAGES = [limits_page, override, end]


async def _show(
    request: AnyRequest,
    support: SupportShower,
    account_id: str,
    typed: Fields,
    error: str = "",
) -> Response[str]:
    now = support.now()
    return support.show(
        request,
        "limits/limits.html",
        status=422 if error else 200,
        page=await show_overrides(support.database, account_id),
        base=f"/support/accounts/{account_id}/limits",
        names=FIELD_NAMES,
        typed=typed,
        error=error,
        usual=f"{now + _USUAL:%Y-%m-%dT%H:%M}",
        now=now,
    )
