"""Changes of a subscription at Stripe: what is asked for each."""

from typing import Any

from control_plane.billing.catalogue import find_prices
from control_plane.billing.repository import CustomerRow
from control_plane.billing.rules import TRIAL_DAYS, TRIAL_PLAN, BillingRefused
from control_plane.billing.seen import Schedule, Seen
from control_plane.billing.stripe_gateway import StripeGateway
from shared.domain.plan import Interval, PlanName, overage_key, price_key


def key_of(verb: str, customer: CustomerRow) -> str:
    """Name a change: the same one asked again is the same, until the books show what came of it."""
    return f"{verb}-{customer.account_id}-{customer.changes}"


async def find_seen(stripe: StripeGateway, customer: CustomerRow, subscription: str) -> Seen:
    """Give the subscription as it is at Stripe now."""
    for each in await stripe.subscriptions_of(customer.customer_id):
        if each.id == subscription:
            return each
    raise BillingRefused("Stripe does not have this subscription any more")


async def checkout_of(
    stripe: StripeGateway,
    customer: CustomerRow,
    plan: PlanName,
    interval: Interval,
    console_url: str,
) -> dict[str, Any]:
    return {
        "mode": "subscription",
        "customer": customer.customer_id,
        "client_reference_id": customer.account_id,  # for people: nothing is bound by it
        "line_items": [
            {**each, "quantity": 1} if number == 0 else each
            for number, each in enumerate(await _prices_of(stripe, plan, interval))
        ],
        "success_url": f"{console_url}/billing?checkout=done",
        "cancel_url": f"{console_url}/billing?checkout=canceled",
        "billing_address_collection": "required",
        "tax_id_collection": {"enabled": True},
        "customer_update": {"address": "auto", "name": "auto"},
    }


async def trial_of(stripe: StripeGateway, customer: CustomerRow) -> dict[str, Any]:
    return {
        "customer": customer.customer_id,
        "items": await _prices_of(stripe, TRIAL_PLAN, Interval.MONTHLY),
        "trial_period_days": TRIAL_DAYS,
        "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
    }


async def upgrade_of(
    stripe: StripeGateway, seen: Seen, plan: PlanName, interval: Interval
) -> dict[str, Any]:
    """Have other prices for its items, and what is left of the period set against the new one."""
    wanted = await _prices_of(stripe, plan, interval)
    licensed, metered = seen.licensed, seen.metered
    held = [each.id if each else None for each in (licensed, metered)]
    items = [{"id": of, **each} if of else each for of, each in zip(held, wanted, strict=True)]
    return {"items": items, "proration_behavior": "always_invoice"}


async def schedule(
    stripe: StripeGateway, seen: Seen, plan: PlanName, interval: Interval, key: str
) -> None:
    """Have the other plan begin with the next period; a change that was to come is forgotten."""
    if seen.licensed is None:
        raise BillingRefused("the subscription is of no plan of ours")
    ends = seen.licensed.current_period_end
    if isinstance(seen.schedule, Schedule):
        made = seen.schedule.id
    else:
        made = str((await stripe.schedule_from(seen.id, f"{key}-from"))["id"])
    now_on = {
        "items": [
            _phase_item(each.price.id, metered=each.price.is_metered) for each in seen.items.data
        ],
        "start_date": seen.licensed.current_period_start,
        "end_date": ends,
    }
    then = {
        "items": [
            _phase_item(each["price"], metered=number > 0)
            for number, each in enumerate(await _prices_of(stripe, plan, interval))
        ],
        "start_date": ends,
        "proration_behavior": "none",
    }
    given = {"end_behavior": "release", "phases": [now_on, then]}
    await stripe.set_schedule(made, given, f"{key}-phases")


async def release(stripe: StripeGateway, seen: Seen, key: str) -> None:
    """Forget a change that was to come with the next period."""
    if isinstance(seen.schedule, Schedule) and seen.schedule.status in {"active", "not_started"}:
        await stripe.release_schedule(seen.schedule.id, f"{key}-release")


async def _prices_of(
    stripe: StripeGateway, plan: PlanName, interval: Interval
) -> list[dict[str, Any]]:
    """Give the plan's price and that of the tokens over it."""
    prices = await find_prices(stripe)
    return [{"price": prices[each].id} for each in (price_key(plan, interval), overage_key(plan))]


def _phase_item(price: str, *, metered: bool) -> dict[str, Any]:
    return {"price": price} if metered else {"price": price, "quantity": 1}
