"""Choosing another plan (B2): the table, what comes of a choice, and the choice."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from control_plane.audit.shown import AnyRequest
from control_plane.billing.plans import OFFERED, Choice, choice, differences, table
from control_plane.billing.rules import BillingRefused
from control_plane.billing.shown import BillingShower
from control_plane.billing.standing import BillingState
from control_plane.http.forms import one_of, read_fields
from control_plane.http.signed_in import account_of
from control_plane.limits.actions import count_things
from control_plane.members.rules import Permission
from shared.domain.plan import PLANS, SOLD, Interval, PlanName

_SEE = {"permission": Permission.SEE_BILLING}
_CHANGE = {"permission": Permission.CHANGE_BILLING, "step_up": True}


@get("/billing/plans", opt=_SEE)
async def plans_page(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower]
) -> Response[str]:
    return _show_table(request, billing_shower, await billing_shower.state(request))


@get("/billing/plans/{plan:str}", opt=_CHANGE)
async def change_page(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower], plan: FromPath[str]
) -> Response[Any]:
    """Say what comes of it before it is done: what is due, when it begins, what changes."""
    to, interval = _known(plan), _interval(request.query_params.get("pay", ""))
    state = await billing_shower.state(request)
    try:
        return await _show_change(request, billing_shower, state, to, interval)
    except BillingRefused as refusal:
        return _show_table(request, billing_shower, state, str(refusal))


@post("/billing/plans/{plan:str}", opt=_CHANGE, status_code=200)
async def change_plan(
    request: AnyRequest, billing_shower: NamedDependency[BillingShower], plan: FromPath[str]
) -> Response[Any]:
    to = _known(plan)
    interval = _interval((await read_fields(request))["pay"])
    state = await billing_shower.state(request)
    try:
        return await _change(request, billing_shower, state, to, interval)
    except BillingRefused as refusal:
        return _show_table(request, billing_shower, state, str(refusal))


PLAN_PAGES = [plans_page, change_page, change_plan]


def _known(text: str) -> PlanName:
    if text not in SOLD:
        raise NotFoundException
    return PlanName(text)


def _interval(text: str) -> Interval:
    return one_of(Interval, text, Interval.MONTHLY)


async def _change(
    request: AnyRequest,
    shower: BillingShower,
    state: BillingState,
    to: PlanName,
    interval: Interval,
) -> Response[Any]:
    billing, account_id, now = shower.billing, account_of(request), shower.now()
    by = shower.acting(request)
    match choice(state.subscription, to, interval):
        case Choice.BUY:
            url = await billing.begin_checkout(account_id, to, interval, by, now)
            return shower.pages.leave(request, url)
        case Choice.CANCEL:
            await billing.cancel(account_id, by, now)
            return shower.go(request, "/billing?done=later")
        case Choice.UPGRADE | Choice.DOWNGRADE:
            made = await billing.change_plan(account_id, to, interval, by, now)
            return shower.go(request, f"/billing?done={'changed' if made.at_once else 'later'}")
        case Choice.HELD:
            return shower.go(request, "/billing")


def _show_table(
    request: AnyRequest, shower: BillingShower, state: BillingState, error: str = ""
) -> Response[str]:
    held = state.subscription
    paid = held.interval if held and held.interval else Interval.MONTHLY
    interval = one_of(Interval, request.query_params.get("pay", ""), paid)
    return shower.show(
        request,
        state,
        "plans",
        error=error,
        interval=interval,
        offered=OFFERED,
        table=table(),
        choices={each.name: choice(held, each.name, interval) for each in OFFERED},
    )


async def _show_change(
    request: AnyRequest,
    shower: BillingShower,
    state: BillingState,
    to: PlanName,
    interval: Interval,
) -> Response[Any]:
    """Raises BillingRefused where Stripe cannot say what is due."""
    account_id, now = account_of(request), shower.now()
    chosen = choice(state.subscription, to, interval)
    if chosen is Choice.HELD:
        return shower.go(request, "/billing/plans")
    change = None
    if chosen in {Choice.UPGRADE, Choice.DOWNGRADE}:
        change = await shower.billing.preview_change(account_id, to, interval, now)
    has = await count_things(shower.database, account_id, now)
    return shower.show(
        request,
        state,
        "change",
        to=PLANS[to],
        interval=interval,
        choice=chosen,
        change=change,
        differences=differences(PLANS[state.plan], PLANS[to], has),
    )
