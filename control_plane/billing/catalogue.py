"""What is sold, at Stripe: a product for each plan, its prices, and the meter of tokens over it.

Prices at Stripe never change: another amount is a new price that takes over the old one's name.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

import msgspec

from control_plane.billing.rules import INTERVAL, METER, PLAN, BillingRefused
from control_plane.billing.seen import METERED, Price
from control_plane.billing.stripe_gateway import StripeGateway
from shared.domain.plan import PAID, PLANS, Interval, PlanName, overage_key, price_key

_CURRENCY = "usd"
_PERIODS = {Interval.MONTHLY: "month", Interval.YEARLY: "year"}


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one thing: created, changed or left."""

    what: str
    outcome: str


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    plan: PlanName
    lookup_key: str
    cents: Decimal
    recurring: Mapping[str, str]
    metadata: Mapping[str, str]


async def sync(stripe: StripeGateway) -> list[Synced]:
    """Create at Stripe what is not there, and name anew what has another amount; say what came."""
    done = [each async for each in _products(stripe)]
    meter = next((each for each in await stripe.meters() if each["event_name"] == METER), None)
    meter_id = str(meter["id"]) if meter else await stripe.add_meter(_METER, f"meter-{METER}")
    done.append(Synced(what=f"meter {METER}", outcome="left" if meter else "created"))
    held = {each.lookup_key: each for each in await stripe.prices() if each.active}
    prices = [await _price(stripe, each, held.get(each.lookup_key)) for each in _wanted(meter_id)]
    return [*done, *prices]


async def find_prices(stripe: StripeGateway) -> dict[str, Price]:
    """Give the prices that are sold, by name. Raises BillingRefused where one is not there."""
    found = {each.lookup_key: each for each in await stripe.prices() if each.lookup_key}
    names = [price_key(plan, each) for plan in PAID for each in Interval]
    names += [overage_key(plan) for plan in PAID]
    missing = [each for each in names if each not in found]
    if missing:
        raise BillingRefused(f"Stripe has no price {missing[0]}: run `auth-service stripe sync`")
    return {name: found[name] for name in names}


async def _products(stripe: StripeGateway) -> AsyncIterator[Synced]:
    held = {each["id"]: each for each in await stripe.products()}
    for plan in PAID:
        product, name = _product_of(plan), plan.value.capitalize()
        if product not in held:
            await stripe.add_product({"id": product, "name": name}, product)
            outcome = "created"
        elif held[product]["name"] != name:
            await stripe.rename_product(product, name)
            outcome = "changed"
        else:
            outcome = "left"
        yield Synced(what=f"product {product}", outcome=outcome)


async def _price(stripe: StripeGateway, wanted: _Wanted, held: Price | None) -> Synced:
    if held is not None and _is_same(held, wanted):
        return Synced(what=f"price {wanted.lookup_key}", outcome="left")
    given = {
        "product": _product_of(wanted.plan),
        "currency": _CURRENCY,
        "unit_amount_decimal": wanted.cents,
        "recurring": wanted.recurring,
        "lookup_key": wanted.lookup_key,
        "transfer_lookup_key": True,
        "metadata": wanted.metadata,
    }
    # another price may have had the name, and this one be wanted anew: each is its own request
    await stripe.add_price(given, f"price-{wanted.lookup_key}-{held.id if held else ''}")
    outcome = "created" if held is None else f"changed: a new price has the name of {held.id}"
    return Synced(what=f"price {wanted.lookup_key}", outcome=outcome)


def _wanted(meter: str) -> Iterator[_Wanted]:
    for name in PAID:
        plan = PLANS[name]
        for interval in Interval:
            yield _Wanted(
                plan=name,
                lookup_key=price_key(name, interval),
                cents=Decimal(plan.price_of(interval)),
                recurring={"interval": _PERIODS[interval]},
                metadata={PLAN: name, INTERVAL: interval},
            )
        if plan.overage_per_token is not None:
            yield _Wanted(
                plan=name,
                lookup_key=overage_key(name),
                cents=plan.overage_per_token,
                recurring={"interval": "month", "usage_type": METERED, "meter": meter},
                metadata={PLAN: name},
            )


def _is_same(held: Price, wanted: _Wanted) -> bool:
    recurring = held.recurring
    return (
        held.unit_amount_decimal == wanted.cents
        and held.metadata == dict(wanted.metadata)
        and recurring is not None
        and recurring.interval == wanted.recurring["interval"]
        and recurring.usage_type == wanted.recurring.get("usage_type", "licensed")
        and recurring.meter == wanted.recurring.get("meter")
    )


def _product_of(plan: PlanName) -> str:
    return f"auth_service_{plan}"


_METER = {
    "display_name": "Tokens over the plan",
    "event_name": METER,
    "default_aggregation": {"formula": "sum"},
    "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
    "value_settings": {"event_payload_key": "value"},
}
