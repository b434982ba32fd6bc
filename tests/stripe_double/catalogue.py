"""Products, prices, and the meters with what was counted."""

from decimal import Decimal
from typing import Any

from tests.stripe_double.store import DAY, Store
from tests.stripe_double.wire import JSON, StripeRefusal

_AHEAD, _BEHIND = 300, 35 * DAY  # seconds by which a meter event's time may be off
_UNIQUE_FOR = DAY


def make_product(store: Store, given: JSON) -> JSON:
    given = dict(given)
    identifier, first = given.pop("id", None), given.pop("default_price_data", None)
    if identifier in store.objects:
        raise StripeRefusal("Product already exists.", code="resource_already_exists", param="id")
    fields = {"active": True, "description": None, "images": [], "metadata": {}, **given}
    product = store.make("product", "prod", default_price=None, updated=store.clock.now(), **fields)
    if identifier is not None:
        store.objects[identifier] = store.objects.pop(product["id"]) | {"id": identifier}
        product = store.objects[identifier]
    store.emit("product.created", product)
    if first is not None:
        product["default_price"] = make_price(store, {**first, "product": product["id"]})["id"]
    return product


def make_price(store: Store, given: JSON) -> JSON:
    given = dict(given)
    product_data, transfers = (
        given.pop("product_data", None),
        given.pop("transfer_lookup_key", False),
    )
    recurring = _recurring(store, given.get("recurring"))
    _give_lookup_key(store, given.get("lookup_key"), transfers=transfers)
    product = (
        make_product(store, product_data)
        if product_data
        else store.get("product", given.get("product", ""), "product")
    )
    unit = given.pop("unit_amount_decimal", given.get("unit_amount"))
    tiers = [_tier(each) for each in given.pop("tiers", [])]
    tiered = given.get("billing_scheme") == "tiered"
    if tiered != bool(tiers) or (not tiered and unit is None):
        raise StripeRefusal(
            "You must pass one of unit_amount, unit_amount_decimal or tiers.", param="unit_amount"
        )
    whole = unit is not None and Decimal(unit) == int(unit)
    price = store.make(
        "price",
        "price",
        **{
            "active": True,
            "billing_scheme": "per_unit",
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            **given,
            "product": product["id"],
            "recurring": recurring,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": int(unit) if unit is not None and whole else None,
            "unit_amount_decimal": None if unit is None else str(unit),
            "_tiers": tiers,
        },
    )
    store.emit("price.created", price)
    return price


def _recurring(store: Store, given: JSON | None) -> JSON | None:
    if given is None:
        return None
    recurring = {"interval_count": 1, "meter": None, "usage_type": "licensed", **given}
    if recurring["usage_type"] == "metered" and recurring["meter"] is None:
        raise StripeRefusal(
            "As of 2025-03-31.basil, metered prices must be backed by meters.",
            param="recurring[meter]",
        )
    if recurring["meter"] is not None:
        store.get("billing.meter", recurring["meter"], "recurring[meter]")
    return recurring | {"trial_period_days": None}


def _tier(given: JSON) -> JSON:
    unit, flat = (
        given.get(f"{name}_decimal", given.get(name)) for name in ("unit_amount", "flat_amount")
    )
    return {
        "up_to": None if given["up_to"] == "inf" else given["up_to"],
        "unit_amount": given.get("unit_amount"),
        "unit_amount_decimal": None if unit is None else str(unit),
        "flat_amount": given.get("flat_amount"),
        "flat_amount_decimal": None if flat is None else str(flat),
    }


def _give_lookup_key(store: Store, key: str | None, *, transfers: bool) -> None:
    holders = [each for each in store.all("price") if key and each["lookup_key"] == key]
    if holders and not transfers:
        raise StripeRefusal(
            f"A price (`{holders[0]['id']}`) already uses that lookup key.", param="lookup_key"
        )
    for each in holders:
        with store.changing(each, "price.updated"):
            each["lookup_key"] = None


def change_price(store: Store, price: JSON, given: JSON) -> JSON:
    given = dict(given)
    transfers = given.pop("transfer_lookup_key", False)
    if given.get("lookup_key") != price["lookup_key"]:
        _give_lookup_key(store, given.get("lookup_key"), transfers=transfers)
    with store.changing(price, "price.updated"):
        merge(price, given)
    return price


def make_meter(store: Store, given: JSON) -> JSON:
    if any(
        each["event_name"] == given["event_name"] and each["status"] == "active"
        for each in store.all("billing.meter")
    ):
        raise StripeRefusal(
            f"An active meter already exists for event name: {given['event_name']}",
            param="event_name",
        )
    meter = store.make(
        "billing.meter",
        "mtr",
        **{
            "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
            "event_time_window": None,
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": store.clock.now(),
            "value_settings": {"event_payload_key": "value"},
            **given,
        },
    )
    store.emit("billing.meter.created", meter)
    return meter


def switch_meter(store: Store, meter: JSON, *, active: bool) -> JSON:
    event = "billing.meter.reactivated" if active else "billing.meter.deactivated"
    with store.changing(meter, event):
        meter["status"] = "active" if active else "inactive"
        meter["status_transitions"] = {"deactivated_at": None if active else store.clock.now()}
    return meter


def count_usage(store: Store, given: JSON) -> JSON:
    """Take a meter event. errors: StripeRefusal, also for an identifier of the last day"""
    now = store.clock.now()
    meter = _active_meter(store, given["event_name"])
    at = given.get("timestamp", now)
    if not now - _BEHIND <= at <= now + _AHEAD:
        code = "timestamp_too_far_in_past" if at < now else "timestamp_in_future"
        raise StripeRefusal(
            "The timestamp must be within the past 35 calendar days or up to 5 minutes in the"
            " future.",
            code=code,
            param="timestamp",
        )
    value = given["payload"].get(meter["value_settings"]["event_payload_key"], "")
    if not value.isdecimal():
        raise StripeRefusal(
            "Received invalid value for the meter event.",
            code="meter_event_invalid_value",
            param="payload",
        )
    identifier = given.get("identifier")
    if identifier and _is_known(store, identifier, now):
        raise StripeRefusal(
            f"An event already exists with identifier {identifier}.",
            code="duplicate_meter_event",
            param="identifier",
        )
    customer = given["payload"].get(meter["customer_mapping"]["event_payload_key"])
    event = store.make(
        "billing.meter_event", "mtr_event", **given, _customer=customer, _value=int(value)
    )
    event |= {"identifier": identifier or event["id"], "timestamp": at}
    if customer not in store.objects:
        store.refused_usage.append(store.objects.pop(event["id"]))
    return {name: each for name, each in event.items() if name != "id"}


def _active_meter(store: Store, name: str) -> JSON:
    for each in store.all("billing.meter"):
        if each["event_name"] == name and each["status"] == "active":
            return each
    raise StripeRefusal(
        f"No active meter found for event name: {name}", code="no_meter", param="event_name"
    )


def _is_known(store: Store, identifier: str, now: int) -> bool:
    return any(
        each["identifier"] == identifier and each["created"] > now - _UNIQUE_FOR
        for each in [*store.all("billing.meter_event"), *store.refused_usage]
    )


def usage_of(store: Store, meter: JSON, customer: str, start: int, end: int) -> int:
    """Give what was counted in [start, end)."""
    values = [
        each["_value"]
        for each in store.all("billing.meter_event")
        if each["event_name"] == meter["event_name"]
        and each["_customer"] == customer
        and start <= each["timestamp"] < end
    ]
    match meter["default_aggregation"]["formula"]:
        case "count":
            return len(values)
        case "last":
            return values[0] if values else 0
        case _:
            return sum(values)


def summaries_of(store: Store, meter: JSON, given: JSON) -> list[JSON]:
    """Give one for the whole time or one for each hour or day, the newest first."""
    start, end = given["start_time"], given["end_time"]
    step = {"hour": 3600, "day": DAY}.get(given.get("value_grouping_window", ""), end - start)
    if start % 60 or end % 60 or step < 1 or start >= end:
        raise StripeRefusal(
            "start_time and end_time must be aligned with minute boundaries.", param="start_time"
        )
    found: list[JSON] = [
        {
            "id": f"mtrusg_{meter['id'][4:]}_{at}",
            "object": "billing.meter_event_summary",
            "aggregated_value": usage_of(store, meter, given["customer"], at, min(at + step, end)),
            "start_time": at,
            "end_time": min(at + step, end),
            "livemode": False,
            "meter": meter["id"],
        }
        for at in range(start, end, step)
    ]
    return [each for each in reversed(found) if each["aggregated_value"] or len(found) == 1]


def merge(thing: JSON, given: JSON) -> None:
    """Change what is given. An empty text unsets; metadata's names are merged, as Stripe does."""
    for name, value in given.items():
        if name == "metadata":
            kept = {} if value == "" else thing["metadata"] | value
            thing["metadata"] = {key: each for key, each in kept.items() if each != ""}
        else:
            thing[name] = _unset(value)


def _unset(value: Any) -> Any:
    return None if value == "" else value


def expanded_tiers(price: JSON) -> JSON:
    return price | {"tiers": price["_tiers"] or None}
