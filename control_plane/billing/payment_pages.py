"""Invoices, and how they are paid (B4). Cards are with Stripe, whose own pages change them."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from control_plane.audit.shown import AnyRequest
from control_plane.billing.rules import BillingRefused
from control_plane.billing.shown import BillingShower
from control_plane.billing.terms import BillingDetails
from control_plane.http.forms import read_fields
from control_plane.http.signed_in import account_of
from control_plane.members.rules import Permission
from control_plane.people.rules import InvalidEmail, normal_email

_SEE = {"permission": Permission.SEE_BILLING}
_CHANGE = {"permission": Permission.CHANGE_BILLING}


@get("/billing/invoices", opt=_SEE)
async def invoices_page(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[str]:
    return await _show(request, billing_shower)


@post("/billing/portal", opt=_CHANGE, status_code=200)
async def open_portal(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[Any]:
    """Lead to Stripe's page for cards, addresses and tax ids."""
    try:
        url = await billing_shower.billing.open_portal(account_of(request))
    except BillingRefused as refusal:
        return await _show(request, billing_shower, error=str(refusal))
    return billing_shower.pages.leave(request, url)


@post("/billing/details", opt=_CHANGE, status_code=200)
async def change_details(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[Any]:
    typed, by = (await read_fields(request))["email"], billing_shower.acting(request)
    try:
        await billing_shower.billing.set_email(account_of(request), normal_email(typed), by)
    except (InvalidEmail, BillingRefused) as refusal:
        return await _show(request, billing_shower, error=str(refusal), typed=typed)
    return billing_shower.go(request, "/billing/invoices")


PAYMENT_PAGES = [invoices_page, open_portal, change_details]


async def _show(
    request: AnyRequest, shower: BillingShower, *, error: str = "", typed: str | None = None
) -> Response[str]:
    state, account_id = await shower.state(request), account_of(request)
    details = None
    if shower.billing.is_set_up and state.is_customer:
        details = await _details(shower, account_id)
    return shower.show(
        request,
        state,
        "invoices",
        error=error,
        invoices=await shower.billing.list_invoices(account_id),
        details=details,
        typed=typed,
    )


async def _details(shower: BillingShower, account_id: str) -> BillingDetails | None:
    """Ask for them; None where Stripe does not say."""
    try:
        return await shower.billing.details_of(account_id)
    except BillingRefused:
        return None
