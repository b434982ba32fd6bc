"""Checkout sessions: what is bought, and what the customer did on the page."""

from typing import Any

from tests.stripe_double import subscriptions
from tests.stripe_double.customers import attach, make_customer, make_method, make_tax_id
from tests.stripe_double.money import amount_of
from tests.stripe_double.store import DAY, Store
from tests.stripe_double.wire import JSON, StripeRefusal, declined

_OF_SUBSCRIPTION = ("metadata", "description", "trial_settings", "billing_mode")


def begin(store: Store, given: JSON) -> JSON:
    mode = given.get("mode")
    if mode not in {"subscription", "payment"}:
        raise StripeRefusal("The double knows mode=subscription and mode=payment.", param="mode")
    if "success_url" not in given:
        raise StripeRefusal("Missing required param: success_url.", param="success_url")
    if "customer" in given and "customer_email" in given:
        raise StripeRefusal(
            "You may only specify one of these parameters: customer, customer_email.",
            param="customer",
        )
    if "customer" in given:
        store.get("customer", given["customer"], "customer")
    lines = [_line(store, each, mode) for each in given.get("line_items", [])]
    if not lines:
        raise StripeRefusal("Missing required param: line_items.", param="line_items")
    data = given.get("subscription_data", {})
    free = bool(data.get("trial_period_days") or data.get("trial_end"))
    total = 0 if free else sum(each["amount_total"] for each in lines)
    session = store.make(
        "checkout.session",
        "cs_test",
        allow_promotion_codes=given.get("allow_promotion_codes"),
        amount_subtotal=total,
        amount_total=total,
        cancel_url=given.get("cancel_url"),
        client_reference_id=given.get("client_reference_id"),
        currency=lines[0]["currency"],
        customer=given.get("customer"),
        customer_details=None,
        customer_email=given.get("customer_email"),
        expires_at=given.get("expires_at", store.clock.now() + DAY),
        invoice=None,
        metadata=given.get("metadata", {}),
        mode=mode,
        payment_method_collection=given.get("payment_method_collection", "always"),
        payment_method_types=["card"],
        payment_status="unpaid",
        status="open",
        subscription=None,
        success_url=given["success_url"],
        tax_id_collection=given.get("tax_id_collection", {"enabled": False}),
        ui_mode="hosted_page",
        _lines=lines,
        _data=data,
    )
    session["url"] = f"{store.url}/c/pay/{session['id']}"
    return session


def _line(store: Store, given: JSON, mode: str) -> JSON:
    price = store.get("price", given.get("price", ""), "line_items[0][price]")
    if mode == "payment" and price["recurring"] is not None:
        raise StripeRefusal(
            "You specified `payment` mode but passed a recurring price.", param="mode"
        )
    metered = bool(price["recurring"]) and price["recurring"]["usage_type"] == "metered"
    if metered == ("quantity" in given):
        raise StripeRefusal(
            "Quantity should not be specified where usage_type is `metered`."
            if metered
            else "Quantity is required. Add `quantity` to `line_items[0]`",
            param="line_items[0][quantity]",
        )
    quantity = given.get("quantity")
    amount = amount_of(price, quantity or 0)
    return {
        "id": f"li_{price['id'][6:]}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": store.get("product", price["product"])["name"],
        "price": price,
        "quantity": quantity,
    }


def complete(store: Store, session: JSON, card: str | None, typed: JSON | None = None) -> JSON:
    """Do as the page's button does. `card` None: a trial without one.

    errors: StripeRefusal where the card is declined; the session stays open
    """
    refuse_closed(session)
    method = None if card is None else make_method(store, card, typed)
    if method is not None and method["_outcome"] is not None:
        raise declined(method["_outcome"], None)
    customer = _customer_of(store, session, typed or {})
    if method is not None:
        attach(store, method["id"], customer)
    if session["mode"] == "subscription":
        _subscribe(store, session, customer, method)
    owes = session["amount_total"] > 0
    session |= {
        "customer": customer["id"],
        "customer_details": {
            "address": customer["address"],
            "email": customer["email"],
            "name": customer["name"],
            "phone": customer["phone"],
            "tax_exempt": customer["tax_exempt"],
            "tax_ids": [],
        },
        "payment_status": "paid" if owes else "no_payment_required",
        "status": "complete",
        "url": None,
    }
    store.emit("checkout.session.completed", session)
    return session


def refuse_closed(session: JSON) -> None:
    if session["status"] != "open":
        raise StripeRefusal("This Checkout Session is no longer active.", param="session")


def _customer_of(store: Store, session: JSON, typed: JSON) -> JSON:
    tax_id = typed.pop("tax_id", None)
    if session["customer"] is not None:
        customer = store.get("customer", session["customer"])
    else:
        email = typed.get("email") or session["customer_email"]
        customer = make_customer(store, {"email": email, "name": typed.get("name")})
    if tax_id:
        make_tax_id(store, customer, {"type": "eu_vat", "value": tax_id})
    return customer


def _subscribe(store: Store, session: JSON, customer: JSON, method: JSON | None) -> None:
    data = session["_data"]
    given: dict[str, Any] = {name: data[name] for name in _OF_SUBSCRIPTION if name in data}
    given |= {name: data[name] for name in ("trial_period_days", "trial_end") if name in data}
    given["customer"] = customer["id"]
    given["items"] = [
        {"price": each["price"]["id"]}
        | ({} if each["quantity"] is None else {"quantity": each["quantity"]})
        for each in session["_lines"]
    ]
    if method is not None:
        given["default_payment_method"] = method["id"]
    subscription = subscriptions.begin(store, given)
    session |= {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}


def expire(store: Store, session: JSON) -> JSON:
    refuse_closed(session)
    session |= {"status": "expired", "url": None}
    store.emit("checkout.session.expired", session)
    return session
