"""A subscription's items: what is billed for them, and what becomes of it when they change."""

from tests.stripe_double import invoices
from tests.stripe_double.money import amount_of, end_of_period, share_of
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal


def price_of(store: Store, given: JSON) -> JSON:
    """errors: StripeRefusal where it is no recurring price, or its quantity is not ours to give"""
    price = store.get("price", given.get("price", ""), "items[0][price]")
    if price["recurring"] is None:
        raise StripeRefusal(
            f"The price specified is set to `type=one_time` but this field only accepts prices with"
            f" `type=recurring`: {price['id']}.",
            param="items[0][price]",
        )
    if price["recurring"]["usage_type"] == "metered" and "quantity" in given:
        raise StripeRefusal(
            "You cannot set the quantity for metered plans.", param="items[0][quantity]"
        )
    if not price["active"]:
        raise StripeRefusal(f"The price {price['id']} is not active.", param="items[0][price]")
    return price


def make_item(store: Store, subscription: JSON, given: JSON, now: int) -> JSON:
    price = price_of(store, given)
    anchor = subscription["billing_cycle_anchor"]
    end = subscription["trial_end"] or 0
    item = store.make(
        "subscription_item",
        "si",
        billing_thresholds=None,
        current_period_start=now,
        current_period_end=end if end > now else end_of_period(now, anchor, price["recurring"]),
        discounts=[],
        metadata=given.get("metadata", {}),
        price=price,
        subscription=subscription["id"],
        tax_rates=[],
    )
    if price["recurring"]["usage_type"] == "licensed":
        item["quantity"] = given.get("quantity", 1)
    return item


def is_metered(item: JSON) -> bool:
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def in_advance(store: Store, items: list[JSON], *, free: bool) -> list[JSON]:
    """Give a line for what is paid in advance."""
    return [
        invoices.line_of(
            store,
            each,
            each["current_period_start"],
            each["current_period_end"],
            amount=0 if free else None,
            what="Trial period" if free else "",
        )
        for each in items
        if not is_metered(each)
    ]


def used(store: Store, item: JSON, until: int) -> JSON:
    return invoices.line_of(store, item, item["current_period_start"], until)


def swap(store: Store, subscription: JSON, wanted: list[JSON], now: int) -> tuple[list[JSON], bool]:
    """Change, add and delete; give the prorations, and whether an interval is another now."""
    held = {each["id"]: each for each in subscription["items"]["data"]}
    prorations: list[JSON] = []
    restarts = False
    for each in wanted:
        item = held.get(each.get("id", ""))
        prorations += _credit(store, subscription, item, each, now)
        if each.get("deleted"):
            del held[each["id"]]
            continue
        if item is None:
            item = _added(store, subscription, each, now)
            held[item["id"]] = item
            prorations += _debit(store, subscription, item, now)
        elif _is_changed(item, each):
            restarts |= _changed(store, item, each)
            prorations += _debit(store, subscription, item, now)
    subscription["items"]["data"] = list(held.values())
    if restarts:  # what is for the time to come is billed whole
        prorations = [each for each in prorations if each["amount"] < 0]
    return prorations, restarts


def _added(store: Store, subscription: JSON, given: JSON, now: int) -> JSON:
    """Give a new item, which renews with those that it has."""
    item = make_item(store, subscription, given, now)
    interval = item["price"]["recurring"]["interval"]
    ends = [
        each["current_period_end"]
        for each in subscription["items"]["data"]
        if each["price"]["recurring"]["interval"] == interval
    ]
    item["current_period_end"] = min(ends, default=item["current_period_end"])
    return item


def _is_changed(item: JSON, wanted: JSON) -> bool:
    price, quantity = item["price"]["id"], item.get("quantity")
    return (wanted.get("price", price), wanted.get("quantity", quantity)) != (price, quantity)


def _changed(store: Store, item: JSON, given: JSON) -> bool:
    """Tell whether its interval is another now."""
    before = item["price"]["recurring"]["interval"]
    item["price"] = store.get("price", given.get("price", item["price"]["id"]))
    if is_metered(item):
        item.pop("quantity", None)
    else:
        item["quantity"] = given.get("quantity", item.get("quantity", 1))
    return bool(before != item["price"]["recurring"]["interval"])


def _credit(
    store: Store, subscription: JSON, item: JSON | None, wanted: JSON, now: int
) -> list[JSON]:
    """Give back what is paid for time to come, where it is changed or deleted."""
    if item is None or not (wanted.get("deleted") or _is_changed(item, wanted)):
        return []
    return unused(store, subscription, item, now)


def unused(store: Store, subscription: JSON, item: JSON, now: int) -> list[JSON]:
    if is_metered(item) or subscription["status"] == "trialing":
        return []
    start, end = item["current_period_start"], item["current_period_end"]
    paid = amount_of(item["price"], item["quantity"])
    what = f"Unused time on {store.get('product', item['price']['product'])['name']}"
    amount = -share_of(paid, start, end, now)
    return [invoices.line_of(store, item, now, end, amount=amount, what=what)]


def _debit(store: Store, subscription: JSON, item: JSON, now: int) -> list[JSON]:
    if is_metered(item) or subscription["status"] == "trialing":
        return []
    start, end = item["current_period_start"], item["current_period_end"]
    amount = share_of(amount_of(item["price"], item["quantity"]), min(start, now), end, now)
    what = f"Remaining time on {store.get('product', item['price']['product'])['name']}"
    return [invoices.line_of(store, item, now, end, amount=amount, what=what)]


def restart(store: Store, subscription: JSON, now: int) -> list[JSON]:
    """Begin all periods anew, as a changed interval does; give what is due for them."""
    items = subscription["items"]["data"]
    counted = [used(store, each, now) for each in items if is_metered(each)]
    subscription["billing_cycle_anchor"] = now
    for each in items:
        each["current_period_start"] = now
        each["current_period_end"] = end_of_period(now, now, each["price"]["recurring"])
    return counted + in_advance(store, items, free=False)


def make_pending(store: Store, subscription: JSON, line: JSON) -> None:
    item = store.make(
        "invoiceitem",
        "ii",
        amount=line["amount"],
        currency=line["currency"],
        customer=subscription["customer"],
        date=store.clock.now(),
        description=line["description"],
        invoice=None,
        metadata={},
        parent={
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription["id"]},
        },
        period=line["period"],
        proration=True,
        quantity=line["quantity"],
        _line=line,
    )
    store.emit("invoiceitem.created", item)
