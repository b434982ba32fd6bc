"""Subscriptions: begun, changed with proration, renewed, ended."""

from tests.stripe_double import invoices, items
from tests.stripe_double.customers import attach, method_for
from tests.stripe_double.money import end_of_period
from tests.stripe_double.store import DAY, Store, listed
from tests.stripe_double.wire import JSON, StripeRefusal, declined

TOLD_BEFORE = 3 * DAY  # seconds before its trial ends, the customer is to hear of it
INCOMPLETE_FOR = 23 * 3600  # seconds to pay the first invoice


def begin(store: Store, given: JSON) -> JSON:
    customer = store.get("customer", given["customer"], "customer")
    prices = [items.price_of(store, each) for each in given["items"]]
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
    made = [items.make_item(store, subscription, each, now) for each in given["items"]]
    subscription["items"] = listed(
        made, f"/v1/subscription_items?subscription={subscription['id']}"
    )
    store.emit("customer.subscription.created", subscription)
    lines = items.in_advance(store, made, free=trial_end is not None)
    invoice = invoices.draft(store, customer, subscription, lines, "subscription_create")
    if given.get("payment_behavior") == "default_incomplete":
        invoices.finalize(store, invoice)
    else:
        invoices.settle(store, invoice)
    set_cancel(store, subscription, given)
    return subscription


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


def set_cancel(store: Store, subscription: JSON, given: JSON) -> None:
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


def renew(store: Store, subscription: JSON) -> None:
    """Begin the next period of each item whose period ends now."""
    now = store.clock.now()
    if subscription["cancel_at"] is not None and subscription["cancel_at"] <= now:
        end(store, subscription, bill=True)
        return
    due = [each for each in subscription["items"]["data"] if each["current_period_end"] <= now]
    used = [
        items.used(store, each, each["current_period_end"])
        for each in due
        if items.is_metered(each)
    ]
    with store.changing(subscription, "customer.subscription.updated"):
        for each in due:
            start = each["current_period_start"] = each["current_period_end"]
            anchor = subscription["billing_cycle_anchor"]
            each["current_period_end"] = end_of_period(start, anchor, each["price"]["recurring"])
        subscription["items"] = {**subscription["items"]}
        lines = used + items.in_advance(store, due, free=False)
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
            items.used(store, each, now)
            for each in subscription["items"]["data"]
            if items.is_metered(each)
        ]
        lines = used + _restart_after_trial(store, subscription, now)
        reason = "subscription_update" if at_once else "subscription_cycle"
        invoice = invoices.draft(store, customer, subscription, lines, reason)
    if at_once:
        invoices.settle(store, invoice)


def _restart_after_trial(store: Store, subscription: JSON, now: int) -> list[JSON]:
    return [each for each in items.restart(store, subscription, now) if each["_metered"] is None]


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
        if bill and items.is_metered(each):
            lines.append(items.used(store, each, now))
        if prorate:
            lines += items.unused(store, subscription, each, now)
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
