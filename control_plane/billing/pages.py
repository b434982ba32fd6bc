"""Billing at a glance (B1): the plan, what is used of it, and what the next invoice has."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from control_plane.audit.rules import Actor
from control_plane.audit.shown import AnyRequest
from control_plane.billing.overage_pages import OVERAGE_PAGES
from control_plane.billing.payment_pages import PAYMENT_PAGES
from control_plane.billing.plan_pages import PLAN_PAGES
from control_plane.billing.plans import counted, overage_cost
from control_plane.billing.rules import BillingRefused
from control_plane.billing.shown import BillingShower
from control_plane.billing.standing import BillingState
from control_plane.billing.terms import Draft
from control_plane.http.meter import Meter
from control_plane.http.signed_in import account_of
from control_plane.limits.actions import count_things
from control_plane.members.rules import Permission
from shared.domain.plan import PLANS

_SEE = {"permission": Permission.SEE_BILLING}
_CHANGE = {"permission": Permission.CHANGE_BILLING}
_CHECKED_OUT = "checkout"  # what Stripe's Checkout comes back with
_DONE = {
    "done": "Thank you. The plan is yours as soon as Stripe has the payment: in a moment.",
    "canceled": "Nothing was bought.",
    "changed": "The plan is changed.",
    "later": "It is arranged. Until then everything stays as it is.",
    "kept": "Everything stays as it is.",
    "trial": "The trial has begun: for 14 days the account has Growth, and no card is asked for.",
}


@get("/billing", opt=_SEE)
async def billing_page(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[str]:
    done = request.query_params.get(_CHECKED_OUT, "") or request.query_params.get("done", "")
    if done == "done":  # the webhook may be late
        with suppress(BillingRefused):
            await billing_shower.billing.refresh(account_of(request), billing_shower.now())
    return await _show(request, billing_shower, done=_DONE.get(done, ""))


@post("/billing/trial", opt=_CHANGE, status_code=200)
async def start_trial(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[Any]:
    return await _do(request, billing_shower, billing_shower.billing.start_trial, "trial")


@post("/billing/keep", opt=_CHANGE, status_code=200)
async def keep_plan(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[Any]:
    """Take back what was to happen at the period's end."""
    return await _do(request, billing_shower, billing_shower.billing.reactivate, "kept")


BILLING_PAGES = [
    billing_page,
    start_trial,
    keep_plan,
    *PLAN_PAGES,
    *OVERAGE_PAGES,
    *PAYMENT_PAGES,
]


async def _do(
    request: AnyRequest,
    shower: BillingShower,
    verb: Callable[[str, Actor, datetime], Awaitable[None]],
    done: str,
) -> Response[Any]:
    try:
        await verb(account_of(request), shower.acting(request), shower.now())
    except BillingRefused as refusal:
        return await _show(request, shower, error=str(refusal))
    return shower.go(request, f"/billing?done={done}")


async def _show(
    request: AnyRequest, shower: BillingShower, *, error: str = "", done: str = ""
) -> Response[str]:
    state, now = await shower.state(request), shower.now()
    plan, account_id = PLANS[state.plan], account_of(request)
    draft, away = await _draft(shower, state, account_id)
    return shower.show(
        request,
        state,
        "usage",
        error=error,
        done=done,
        month=f"{now:%Y-%m}",
        tokens=Meter(state.issued, state.limits.month),  # the frame's may be some seconds old
        draft=draft,
        draft_away=away,
        over_cost=overage_cost(plan, state.forecast),
        counted=counted(plan, await count_things(shower.database, account_id, now)),
    )


async def _draft(
    shower: BillingShower, state: BillingState, account_id: str
) -> tuple[Draft | None, str]:
    """Ask for the next invoice; give it, or why there is no knowing it."""
    if not (shower.billing.is_set_up and state.is_customer):
        return None, ""
    try:
        return await shower.billing.draft_invoice(account_id), ""
    except BillingRefused as refusal:
        return None, str(refusal)
