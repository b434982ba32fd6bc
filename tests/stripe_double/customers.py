"""Customers, their tax ids, and the test cards that pay or do not."""

from tests.stripe_double.catalogue import merge
from tests.stripe_double.store import Store, listed, shown
from tests.stripe_double.wire import JSON, StripeRefusal, declined

# Stripe's names of test cards -> (last four, what a payment with it comes to)
_CARDS = {
    "visa": ("4242", None),
    "mastercard": ("4444", None),
    "amex": ("8431", None),
    "chargeCustomerFail": ("0341", "card_declined"),
    "chargeDeclined": ("0002", "card_declined"),
    "threeDSecure2Required": ("3220", "authentication_required"),
    "authenticationRequired": ("3184", "authentication_required"),
}


def make_customer(store: Store, given: JSON) -> JSON:
    given = dict(given)
    method, source = given.pop("payment_method", None), given.pop("source", None)
    tax_ids, settings = given.pop("tax_id_data", []), given.pop("invoice_settings", {})
    fields = {name: given.pop(name, None) for name in ("address", "email", "name", "phone")}
    customer = store.make(
        "customer",
        "cus",
        **{
            **fields,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "invoice_prefix": f"{len(store.all('customer')) + 1:08X}",
            "invoice_settings": {"default_payment_method": None, "footer": None},
            "metadata": {},
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            **given,
        },
    )
    store.emit("customer.created", customer)
    for each in tax_ids:
        make_tax_id(store, customer, each)
    if source is not None:
        method = source.replace("tok_", "pm_card_")
    if method is not None:
        attached = attach(store, method, customer)
        if source is not None or settings.get("default_payment_method") == method:
            settings["default_payment_method"] = attached["id"]
    customer["invoice_settings"].update(settings)
    return customer


def change_customer(store: Store, customer: JSON, given: JSON) -> JSON:
    given = dict(given)
    settings = given.pop("invoice_settings", {})
    wanted = settings.get("default_payment_method")
    if wanted:
        settings["default_payment_method"] = attach(store, wanted, customer)["id"]
    with store.changing(customer, "customer.updated"):
        merge(customer, given)
        merge(customer["invoice_settings"], settings)
    return customer


def delete_customer(store: Store, customer: JSON) -> JSON:
    del store.objects[customer["id"]]
    store.emit("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def make_tax_id(store: Store, customer: JSON, given: JSON) -> JSON:
    made = store.make(
        "tax_id",
        "txi",
        country=given["type"].partition("_")[0].upper(),
        customer=customer["id"],
        type=given["type"],
        value=given["value"],
        verification={"status": "verified", "verified_address": None, "verified_name": None},
    )
    store.emit("customer.tax_id.created", made)
    return made


def delete_tax_id(store: Store, tax_id: JSON) -> JSON:
    del store.objects[tax_id["id"]]
    store.emit("customer.tax_id.deleted", tax_id)
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


def tax_ids_of(store: Store, customer: str) -> list[JSON]:
    return [each for each in store.all("tax_id") if each["customer"] == customer]


def methods_of(store: Store, customer: str) -> list[JSON]:
    return [each for each in store.all("payment_method") if each["customer"] == customer]


def make_method(store: Store, card: str, billing: JSON | None = None) -> JSON:
    """Make one of a test card: `visa`, or another name that Stripe gives its test cards."""
    if card not in _CARDS:
        raise StripeRefusal(f"No such PaymentMethod: 'pm_card_{card}'", code="resource_missing")
    last4, outcome = _CARDS[card]
    blank = {"address": None, "email": None, "name": None, "phone": None}
    return store.make(
        "payment_method",
        "pm",
        billing_details=blank | (billing or {}),
        card={
            "brand": card if card in {"visa", "mastercard", "amex"} else "visa",
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "last4": last4,
        },
        customer=None,
        metadata={},
        type="card",
        _outcome=outcome,
    )


def attach(store: Store, name: str, customer: JSON) -> JSON:
    """Give the customer a payment method, by its id or as `pm_card_visa`."""
    is_test_card = name.startswith("pm_card_")
    method = (
        make_method(store, name.removeprefix("pm_card_"))
        if is_test_card
        else store.get("payment_method", name, "payment_method")
    )
    if method["customer"] == customer["id"]:
        return method
    if method["_outcome"] == "card_declined" and method["card"]["last4"] == "0002":
        raise declined()
    method["customer"] = customer["id"]
    store.emit("payment_method.attached", method)
    return method


def detach(store: Store, method: JSON) -> JSON:
    method["customer"] = None
    store.emit("payment_method.detached", method)
    return method


def use_card(store: Store, customer: JSON, card: str) -> JSON:
    """Do as the portal does: a new card that all subscriptions are paid with."""
    method = attach(store, f"pm_card_{card}", customer)
    with store.changing(customer, "customer.updated"):
        customer["invoice_settings"]["default_payment_method"] = method["id"]
    for each in store.all("subscription"):
        if each["customer"] == customer["id"] and each["ended_at"] is None:
            with store.changing(each, "customer.subscription.updated"):
                each["default_payment_method"] = method["id"]
    return method


def method_for(store: Store, customer: str, subscription: JSON | None) -> JSON | None:
    """Give what a payment is taken from, as Stripe looks for it; None where there is nothing."""
    owner = store.objects.get(customer)
    if owner is None:
        return None
    chosen = (subscription or {}).get("default_payment_method") or owner["invoice_settings"].get(
        "default_payment_method"
    )
    return store.objects.get(chosen) if chosen else None


def with_lists(store: Store, customer: JSON, names: set[str]) -> JSON:
    """Give it with the lists that are told only where they are asked for."""
    if "tax_ids" in names:
        found = [shown(each) for each in tax_ids_of(store, customer["id"])]
        customer = customer | {"tax_ids": listed(found, f"/v1/customers/{customer['id']}/tax_ids")}
    if "subscriptions" in names:
        held = [
            shown(each)
            for each in store.all("subscription")
            if each["customer"] == customer["id"] and each["ended_at"] is None
        ]
        customer = customer | {"subscriptions": listed(held)}
    return customer
