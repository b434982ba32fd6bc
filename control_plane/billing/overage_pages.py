"""Tokens over the plan (B3): whether they are bought, and up to which cap."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from control_plane.accounts.rules import InvalidAccount
from control_plane.audit.shown import AnyRequest
from control_plane.billing.forms import overage_cap, typed_overage
from control_plane.billing.rules import BillingRefused
from control_plane.billing.shown import BillingShower
from control_plane.http.forms import Fields, read_fields
from control_plane.http.signed_in import account_of
from control_plane.members.rules import Permission
from shared.domain.limits import InvalidLimit
from shared.domain.plan import QUOTA_THRESHOLDS

_SEE = {"permission": Permission.SEE_BILLING}
_CHANGE = {"permission": Permission.CHANGE_BILLING}


@get("/billing/overage", opt=_SEE)
async def overage_page(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[str]:
    return await _show(request, billing_shower)


@post("/billing/overage", opt=_CHANGE, status_code=200)
async def set_overage(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[Any]:
    fields, by = await read_fields(request), billing_shower.acting(request)
    try:
        cap = overage_cap(fields.values)
        await billing_shower.billing.set_overage(account_of(request), cap, by, billing_shower.now())
    except (InvalidLimit, InvalidAccount, BillingRefused) as refusal:
        return await _show(request, billing_shower, fields, str(refusal))
    return billing_shower.go(request, "/billing/overage")


OVERAGE_PAGES = [overage_page, set_overage]


async def _show(
    request: AnyRequest, shower: BillingShower, typed: Fields | None = None, error: str = ""
) -> Response[str]:
    state = await shower.state(request)
    return shower.show(
        request,
        state,
        "overage",
        error=error,
        form=typed.values if typed else typed_overage(state.overage_cap),
        thresholds=QUOTA_THRESHOLDS,
    )
