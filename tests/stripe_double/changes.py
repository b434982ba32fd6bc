"""Changes of a subscription, as `POST /v1/subscriptions/{id}` makes them."""

from tests.stripe_double import invoices, items, subscriptions
from tests.stripe_double.catalogue import merge
from tests.stripe_double.customers import attach, method_for
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal, declined, missing

_PLAIN = {"metadata", "description", "default_payment_method", "trial_settings"}


def change(store: Store, subscription: JSON, given: JSON) -> JSON:
    """errors: StripeRefusal, also where a card is declined that `error_if_incomplete` asks for"""
    _refuse(store, subscription, given)
    plain = {name: each for name, each in given.items() if name in _PLAIN}
    if plain.get("default_payment_method"):
        customer = store.get("customer", subscription["customer"])
        plain["default_payment_method"] = attach(store, given["default_payment_method"], customer)[
            "id"
        ]
    trial_end = given.get("trial_end")
    with store.changing(subscription, "customer.subscription.updated"):
        merge(subscription, plain)
        subscriptions.set_cancel(store, subscription, given)
        owed = _change_items(store, subscription, given)
        if isinstance(trial_end, int):
            _move_trial(subscription, trial_end)
    if trial_end == "now" and subscription["status"] == "trialing":
        subscriptions.end_trial(store, subscription, at_once=True)
    elif owed:
        customer = store.get("customer", subscription["customer"])
        invoice = invoices.draft(store, customer, subscription, owed, "subscription_update")
        invoices.settle(store, invoice)
    return subscription


def _refuse(store: Store, subscription: JSON, given: JSON) -> None:
    """errors: StripeRefusal, before anything is changed"""
    if subscription["ended_at"] is not None:
        raise StripeRefusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="resource_missing",
        )
    held = {each["id"] for each in subscription["items"]["data"]}
    for each in given.get("items", []):
        if each.get("id") not in {None, *held}:
            raise missing("subscription item", each["id"], "items")
        if "price" in each and not each.get("deleted"):
            items.price_of(store, each)
    if given.get("payment_behavior") == "error_if_incomplete" and not _can_pay(store, subscription):
        raise declined()


def _can_pay(store: Store, subscription: JSON) -> bool:
    paying = method_for(store, subscription["customer"], subscription)
    return subscription["status"] == "trialing" or bool(paying and not paying["_outcome"])


def _change_items(store: Store, subscription: JSON, given: JSON) -> list[JSON]:
    """Give the lines of an invoice that is due at once."""
    if not given.get("items"):
        return []
    now = given.get("proration_date") or store.clock.now()
    prorations, restarts = items.swap(store, subscription, given["items"], now)
    behaviour = given.get("proration_behavior", "create_prorations")
    if behaviour == "none":
        prorations = []
    if restarts and subscription["status"] != "trialing":
        return prorations + items.restart(store, subscription, now)
    if behaviour == "always_invoice":
        return prorations
    for each in prorations:
        items.make_pending(store, subscription, each)
    return []


def _move_trial(subscription: JSON, end: int) -> None:
    subscription |= {"trial_end": end, "billing_cycle_anchor": end, "status": "trialing"}
    for each in subscription["items"]["data"]:
        each["current_period_end"] = end
