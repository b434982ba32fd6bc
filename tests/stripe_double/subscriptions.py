"""Subscriptions: begun, changed with proration, renewed, ended."""

from tests.stripe_double import invoices
from tests.stripe_double.catalogue import merge
from tests.stripe_double.customers import attach, method_for
from tests.stripe_double.money import amount_of, end_of_period, share_of
from tests.stripe_double.store import DAY, Store, listed
from tests.stripe_double.wire import JSON, StripeRefusal, declined

TOLD_BEFORE = 3 * DAY  # seconds before its trial ends, the customer is to hear of it
INCOMPLETE_FOR = 23 * 3600  # seconds to pay the first invoice


def begin(store: Store, given: JSON) -> JSON:
    customer = store.get("customer", given["customer"], "customer")
    prices = [_price(store, each) for each in given["items"]]
    now = store.clock.now()
    trial_end = _trial_end(given, now)
    method = given.get("default_payment_method")
    if method is not None:
        method = attach(store, method, customer)["id"]
    _refuse_unpayable(store, given, customer, method, trial_end)
    subscription = store.make(
        "subscription",
        "sub",
        application=None,
        automatic_tax=given.get("automatic_tax", {"enabled": False}),
        billing_cycle_anchor=trial_end or now,
        billing_mode=given.get("billing_mode", {"type": "flexible"}),
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "reason": None},
        collection_method=given.get("collection_method", "charge_automatically"),
        currency=prices[0]["currency"],
        customer=customer["id"],
        days_until_due=given.get("days_until_due"),
        default_payment_method=method,
        description=given.get("description"),
        discounts=[],
        ended_at=None,
        latest_invoice=None,
        metadata=given.get("metadata", {}),
        pause_collection=None,
        pending_update=None,
        schedule=None,
        start_date=now,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        trial_settings=given.get("trial_settings")
        or {"end_behavior": {"missing_payment_method": "create_invoice"}},
        trial_start=now if trial_end else None,
        _told=False,
        _noted=None,
    )
    items = [_item(store, subscription, each, now) for each in given["items"]]
    subscription["items"] = listed(
        items, f"/v1/subscription_items?subscription={subscription['id']}"
    )
    store.emit("customer.subscription.created", subscription)
    lines = _lines_of(store, subscription, items, free=trial_end is not None)
    invoice = invoices.draft(store, customer, subscription, lines, "subscription_create")
    if given.get("payment_behavior") == "default_incomplete":
        invoices.finalize(store, invoice)
    else:
        invoices.settle(store, invoice)
    _set_cancel(store, subscription, given)
    return subscription


def _price(store: Store, given: JSON) -> JSON:
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


def _trial_end(given: JSON, now: int) -> int | None:
    if given.get("trial_period_days"):
        return now + int(given["trial_period_days"]) * DAY
    end = given.get("trial_end")
    return int(end) if isinstance(end, int) and end > now else None


def _refuse_unpayable(
    store: Store, given: JSON, customer: JSON, method: str | None, trial_end: int | None
) -> None:
    behaviour = given.get("payment_behavior", "allow_incomplete")
    if (
        trial_end
        or behaviour == "default_incomplete"
        or given.get("collection_method") == "send_invoice"
    ):
        return
    paying = method_for(store, customer["id"], {"default_payment_method": method})
    if paying is None:
        raise StripeRefusal(
            "This customer has no attached payment source or default payment method.",
            code="resource_missing",
        )
    if behaviour == "error_if_incomplete" and paying["_outcome"] is not None:
        raise declined(paying["_outcome"])


def _item(store: Store, subscription: JSON, given: JSON, now: int) -> JSON:
    price = _price(store, given)
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


def _lines_of(store: Store, subscription: JSON, items: list[JSON], *, free: bool) -> list[JSON]:
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


def _used(store: Store, item: JSON, until: int) -> JSON:
    return invoices.line_of(store, item, item["current_period_start"], until)


def change(store: Store, subscription: JSON, given: JSON) -> JSON:
    """errors: StripeRefusal, also where a card is declined that `error_if_incomplete` asks for"""
    if subscription["ended_at"] is not None:
        raise StripeRefusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="resource_missing",
        )
    wanted = given.get("items", [])
    for each in wanted:
        if not each.get("deleted") and "price" in each:
            _price(store, each)
        if "id" in each:
            store.get("subscription_item", each["id"], "items[0][id]")
    if given.get("payment_behavior") == "error_if_incomplete" and wanted:
        paying = method_for(store, subscription["customer"], subscription)
        if subscription["status"] != "trialing" and (paying is None or paying["_outcome"]):
            raise declined()
    plain = {
        name: each
        for name, each in given.items()
        if name in {"metadata", "description", "default_payment_method", "trial_settings"}
    }
    if plain.get("default_payment_method"):
        customer = store.get("customer", subscription["customer"])
        plain["default_payment_method"] = attach(store, plain["default_payment_method"], customer)[
            "id"
        ]
    with store.changing(subscription, "customer.subscription.updated"):
        merge(subscription, plain)
        _set_cancel(store, subscription, given)
        owed = _change_items(store, subscription, wanted, given)
        if given.get("trial_end") == "now" and subscription["status"] == "trialing":
            subscription["trial_end"] = store.clock.now()
        elif isinstance(given.get("trial_end"), int):
            _move_trial(subscription, given["trial_end"])
    if given.get("trial_end") == "now" and subscription["trial_start"]:
        end_trial(store, subscription, at_once=True)
    elif owed is not None:
        customer = store.get("customer", subscription["customer"])
        invoice = invoices.draft(store, customer, subscription, owed, "subscription_update")
        invoices.settle(store, invoice)
    return subscription


def _move_trial(subscription: JSON, end: int) -> None:
    subscription |= {"trial_end": end, "billing_cycle_anchor": end, "status": "trialing"}
    for each in subscription["items"]["data"]:
        each["current_period_end"] = end


def _set_cancel(store: Store, subscription: JSON, given: JSON) -> None:
    details = given.get("cancellation_details") or {}
    subscription["cancellation_details"].update(details)
    if "cancel_at_period_end" not in given:
        return
    ends = given["cancel_at_period_end"]
    until = max(each["current_period_end"] for each in subscription["items"]["data"])
    subscription |= {
        "cancel_at_period_end": ends,
        "cancel_at": until if ends else None,
        "canceled_at": store.clock.now() if ends else None,
    }
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if ends else None


def _change_items(
    store: Store, subscription: JSON, wanted: list[JSON], given: JSON
) -> list[JSON] | None:
    """Change them; give the lines of an invoice that is due at once, if any."""
    if not wanted:
        return None
    now = given.get("proration_date") or store.clock.now()
    held = {each["id"]: each for each in subscription["items"]["data"]}
    prorations: list[JSON] = []
    interval_changed = False
    for each in wanted:
        item = held.get(each.get("id", ""))
        prorations += _credit(store, subscription, item, each, now)
        if item is None:
            item = _item(store, subscription, each, now)
            item["current_period_end"] = min(
                [
                    other["current_period_end"]
                    for other in held.values()
                    if other["price"]["recurring"]["interval"]
                    == item["price"]["recurring"]["interval"]
                ]
                or [item["current_period_end"]]
            )  # what is added renews with the others
            held[item["id"]] = item
        elif each.get("deleted"):
            del held[item["id"]]
            continue
        else:
            before = item["price"]["recurring"]["interval"]
            item["price"] = store.get("price", each.get("price", item["price"]["id"]))
            interval_changed |= before != item["price"]["recurring"]["interval"]
            if not is_metered(item):
                item["quantity"] = each.get("quantity", item.get("quantity", 1))
            else:
                item.pop("quantity", None)
        if not interval_changed:
            prorations += _debit(store, subscription, item, now)
    subscription["items"]["data"] = list(held.values())
    if given.get("proration_behavior") == "none":
        prorations = []
    if interval_changed and subscription["status"] != "trialing":
        return prorations + _restart(store, subscription, now)
    if given.get("proration_behavior") == "always_invoice" and prorations:
        return prorations
    for each in prorations:
        _make_pending(store, subscription, each)
    return None


def _credit(
    store: Store, subscription: JSON, item: JSON | None, wanted: JSON, now: int
) -> list[JSON]:
    """Give back what is paid for time to come."""
    if item is None or is_metered(item) or subscription["status"] == "trialing":
        return []
    if (
        wanted.get("price", item["price"]["id"]) == item["price"]["id"]
        and not wanted.get("deleted")
        and wanted.get("quantity", item["quantity"]) == item["quantity"]
    ):
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


def _restart(store: Store, subscription: JSON, now: int) -> list[JSON]:
    """Begin all periods anew, as a changed interval does; give what is due for them."""
    items = subscription["items"]["data"]
    used = [_used(store, each, now) for each in items if is_metered(each)]
    subscription["billing_cycle_anchor"] = now
    for each in items:
        each["current_period_start"] = now
        each["current_period_end"] = end_of_period(now, now, each["price"]["recurring"])
    return used + _lines_of(store, subscription, items, free=False)


def _make_pending(store: Store, subscription: JSON, line: JSON) -> None:
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


def renew(store: Store, subscription: JSON) -> None:
    """Begin the next period of each item whose period ends now."""
    now = store.clock.now()
    if subscription["cancel_at"] is not None and subscription["cancel_at"] <= now:
        end(store, subscription, bill=True)
        return
    due = [each for each in subscription["items"]["data"] if each["current_period_end"] <= now]
    used = [_used(store, each, each["current_period_end"]) for each in due if is_metered(each)]
    with store.changing(subscription, "customer.subscription.updated"):
        for each in due:
            start = each["current_period_start"] = each["current_period_end"]
            anchor = subscription["billing_cycle_anchor"]
            each["current_period_end"] = end_of_period(start, anchor, each["price"]["recurring"])
        subscription["items"] = {**subscription["items"]}
        lines = used + _lines_of(store, subscription, due, free=False)
        customer = store.get("customer", subscription["customer"])
        invoice = invoices.draft(store, customer, subscription, lines, "subscription_cycle")
        if subscription["status"] == "unpaid":
            invoice |= {"auto_advance": False, "automatically_finalizes_at": None}


def end_trial(store: Store, subscription: JSON, *, at_once: bool = False) -> None:
    customer = store.get("customer", subscription["customer"])
    now = store.clock.now()
    paying = method_for(store, customer["id"], subscription)
    behaviour = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if subscription["cancel_at_period_end"]:
        end(store, subscription)
        return
    if paying is None and behaviour == "cancel":
        end(store, subscription, reason="payment_failed")
        return
    if paying is None and behaviour == "pause":
        subscription["status"] = "paused"
        store.emit("customer.subscription.paused", subscription)
        return
    with store.changing(subscription, "customer.subscription.updated"):
        subscription |= {"status": "active", "billing_cycle_anchor": now}
        used = [
            _used(store, each, now) for each in subscription["items"]["data"] if is_metered(each)
        ]
        lines = used + _restart_after_trial(store, subscription, now)
        reason = "subscription_update" if at_once else "subscription_cycle"
        invoice = invoices.draft(store, customer, subscription, lines, reason)
    if at_once:
        invoices.settle(store, invoice)


def _restart_after_trial(store: Store, subscription: JSON, now: int) -> list[JSON]:
    return [each for each in _restart(store, subscription, now) if each["_metered"] is None]


def end(
    store: Store,
    subscription: JSON,
    *,
    bill: bool = False,
    prorate: bool = False,
    reason: str = "cancellation_requested",
) -> JSON:
    """End it now; `bill` what was used, `prorate` what was paid for time to come."""
    now = store.clock.now()
    lines: list[JSON] = []
    for each in subscription["items"]["data"]:
        if bill and is_metered(each):
            lines.append(_used(store, each, now))
        if prorate:
            lines += _credit(store, subscription, each, {"deleted": True}, now)
    invoices.end_subscription(store, subscription, reason)
    if lines:
        customer = store.get("customer", subscription["customer"])
        invoices.draft(store, customer, subscription, lines, "subscription_update")
    return subscription


def expire(store: Store, subscription: JSON) -> None:
    """End one whose first invoice was not paid in time."""
    invoices.void(store, store.get("invoice", subscription["latest_invoice"]))
    with store.changing(subscription, "customer.subscription.updated"):
        subscription |= {"status": "incomplete_expired", "ended_at": store.clock.now()}
