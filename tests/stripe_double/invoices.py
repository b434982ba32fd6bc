"""Invoices: draft, open, paid, uncollectible or void; and what paying does to a subscription."""

from typing import Any

from tests.stripe_double.catalogue import usage_of
from tests.stripe_double.customers import method_for, tax_ids_of
from tests.stripe_double.money import amount_of
from tests.stripe_double.store import DAY, Store, listed
from tests.stripe_double.wire import JSON, StripeRefusal, declined

_DRAFT_FOR = 3600  # seconds in which usage may still come
RETRIES = (3 * DAY, 5 * DAY, 7 * DAY)  # from one failure to the next attempt


def line_of(
    store: Store, item: JSON, start: int, end: int, *, amount: int | None = None, what: str = ""
) -> JSON:
    """Give a line for an item of a subscription; `amount` is given where it is a proration."""
    price = item["price"]
    quantity = item.get("quantity", 0)
    product = store.objects.get(price["product"], {"name": ""})
    kind = "subscription_item_details"
    return {
        "id": f"il_{item['id'][3:]}_{start}_{len(what)}",
        "object": "line_item",
        "amount": amount_of(price, quantity) if amount is None else amount,
        "currency": price["currency"],
        "description": what or f"{quantity} x {product['name']}",
        "discountable": amount is None,
        "discount_amounts": [],
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": kind,
            "invoice_item_details": None,
            kind: {
                "invoice_item": None,
                "proration": amount is not None,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": start, "end": end},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "taxes": [],
        "_metered": price
        if amount is None and price["recurring"]["usage_type"] == "metered"
        else None,
    }


def draft(
    store: Store,
    customer: JSON,
    subscription: JSON | None,
    lines: list[JSON],
    reason: str,
    **more: Any,
) -> JSON:
    """Make one, with what was pending for it."""
    now = store.clock.now()
    parent = subscription and {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {
            "metadata": subscription["metadata"],
            "subscription": subscription["id"],
        },
    }
    invoice = store.make(
        "invoice",
        "in",
        account_name="Stripe double",
        attempt_count=0,
        attempted=False,
        auto_advance=subscription is not None,
        automatically_finalizes_at=now + _DRAFT_FOR if subscription else None,
        billing_reason=reason,
        collection_method=(subscription or {}).get("collection_method", "charge_automatically"),
        currency=lines[0]["currency"] if lines else "usd",
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_tax_ids=[
            {"type": each["type"], "value": each["value"]}
            for each in tax_ids_of(store, customer["id"])
        ],
        default_payment_method=None,
        description=None,
        discounts=[],
        due_date=None,
        ending_balance=None,
        hosted_invoice_url=None,
        invoice_pdf=None,
        metadata={},
        next_payment_attempt=now + _DRAFT_FOR if subscription else None,
        number=None,
        parent=parent,
        period_start=min((each["period"]["start"] for each in lines), default=now),
        period_end=max((each["period"]["end"] for each in lines), default=now),
        starting_balance=customer["balance"],
        status="draft",
        status_transitions=dict.fromkeys(
            ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
        ),
        **more,
    )
    pending = _take_pending(store, invoice)
    invoice["lines"] = listed([*pending, *lines], f"/v1/invoices/{invoice['id']}/lines")
    for each in invoice["lines"]["data"]:
        each["invoice"] = invoice["id"]
    reckon(store, invoice)
    store.emit("invoice.created", invoice)
    if subscription is not None:
        subscription["latest_invoice"] = invoice["id"]
    return invoice


def _take_pending(store: Store, invoice: JSON) -> list[JSON]:
    taken = []
    for each in reversed(store.all("invoiceitem")):
        of = each["parent"] and each["parent"]["subscription_details"]["subscription"]
        mine = each["customer"] == invoice["customer"] and each["invoice"] is None
        if mine and of in {None, subscription_of(invoice)}:
            each["invoice"] = invoice["id"]
            taken.append(dict(each["_line"]))
    return taken


def subscription_of(invoice: JSON) -> str | None:
    return invoice["parent"] and str(invoice["parent"]["subscription_details"]["subscription"])


def reckon(store: Store, invoice: JSON) -> None:
    """Count metered lines anew, and sum up."""
    for each in invoice["lines"]["data"]:
        price = each.get("_metered")
        if price is not None:
            meter = store.get("billing.meter", price["recurring"]["meter"])
            period = each["period"]
            used = usage_of(store, meter, invoice["customer"], period["start"], period["end"])
            each |= {"quantity": used, "amount": amount_of(price, used)}
            each["description"] = f"{used} x {store.get('product', price['product'])['name']}"
        each["subtotal"] = each["amount"]
    total = sum(each["amount"] for each in invoice["lines"]["data"])
    owed = max(0, total + invoice["starting_balance"])
    invoice |= {"subtotal": total, "total": total, "amount_due": owed, "amount_paid": 0}
    invoice |= {"subtotal_excluding_tax": total, "total_excluding_tax": total, "total_taxes": []}
    invoice |= {"amount_remaining": owed, "amount_overpaid": 0, "amount_shipping": 0}


def finalize(store: Store, invoice: JSON) -> JSON:
    """Give it its number, and take what the customer had in credit."""
    _expect(invoice, "draft", "finalized")
    customer = store.get("customer", invoice["customer"])
    reckon(store, invoice)
    invoice["starting_balance"] = customer["balance"]
    reckon(store, invoice)
    count = sum(
        1 for each in store.all("invoice") if each["customer"] == customer["id"] and each["number"]
    )
    used = max(0, -invoice["starting_balance"]) if invoice["total"] > 0 else 0
    invoice["ending_balance"] = customer["balance"] + min(used, invoice["total"])
    if invoice["total"] < 0:
        invoice["ending_balance"] = customer["balance"] + invoice["total"]
    with store.changing(customer, "customer.updated"):
        customer["balance"] = invoice["ending_balance"]
    page = f"{store.url}/invoices/{invoice['id']}"
    invoice |= {
        "status": "open",
        "number": f"{customer['invoice_prefix']}-{count + 1:04}",
        "automatically_finalizes_at": None,
        "hosted_invoice_url": page,
        "invoice_pdf": f"{store.url}/invoices/pdf/{invoice['id']}",
        "effective_at": store.clock.now(),
    }
    invoice["status_transitions"]["finalized_at"] = store.clock.now()
    store.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        _paid(store, invoice)
    return invoice


def settle(store: Store, invoice: JSON) -> StripeRefusal | None:
    """Finalize and pay; give why it was not paid."""
    finalize(store, invoice)
    return pay(store, invoice) if invoice["status"] == "open" else None


def pay(store: Store, invoice: JSON, method: JSON | None = None) -> StripeRefusal | None:
    """Try to take the money; give why it did not come."""
    subscription = store.objects.get(subscription_of(invoice) or "")
    method = method or method_for(store, invoice["customer"], subscription)
    outcome = "card_declined" if method is None else method["_outcome"]
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    if outcome is None:
        _paid(store, invoice)
        return None
    _not_paid(store, invoice, subscription, outcome)
    return declined(outcome, "generic_decline" if outcome == "card_declined" else None)


def _paid(store: Store, invoice: JSON) -> None:
    invoice |= {
        "status": "paid",
        "attempted": True,
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "next_payment_attempt": None,
    }
    invoice["status_transitions"]["paid_at"] = store.clock.now()
    store.emit("invoice.paid", invoice)
    store.emit("invoice.payment_succeeded", invoice)
    subscription = store.objects.get(subscription_of(invoice) or "")
    if subscription and subscription["latest_invoice"] == invoice["id"]:
        with store.changing(subscription, "customer.subscription.updated"):
            if subscription["status"] in {"incomplete", "past_due", "unpaid"}:
                subscription["status"] = "active"


def _not_paid(store: Store, invoice: JSON, subscription: JSON | None, outcome: str) -> None:
    tried = invoice["attempt_count"]
    again = bool(subscription) and tried <= len(RETRIES)
    incomplete = subscription is not None and subscription["status"] == "incomplete"
    invoice["next_payment_attempt"] = (
        store.clock.now() + RETRIES[tried - 1] if again and not incomplete else None
    )
    store.emit("invoice.payment_failed", invoice)
    if outcome == "authentication_required":
        store.emit("invoice.payment_action_required", invoice)
    if subscription is None or incomplete or subscription["ended_at"] is not None:
        return
    if again:
        with store.changing(subscription, "customer.subscription.updated"):
            subscription["status"] = "past_due"
    elif store.after_last_retry == "canceled":
        end_subscription(store, subscription, "payment_failed")
    else:
        with store.changing(subscription, "customer.subscription.updated"):
            subscription["status"] = store.after_last_retry


def end_subscription(store: Store, subscription: JSON, reason: str) -> None:
    now = store.clock.now()
    before = subscription["canceled_at"]
    subscription |= {"status": "canceled", "ended_at": now, "canceled_at": before or now}
    subscription["cancellation_details"]["reason"] = reason
    schedule = store.objects.get(subscription["schedule"] or "")
    if schedule is not None and schedule["status"] in {"active", "not_started"}:
        schedule |= {"status": "canceled", "canceled_at": now}
        store.emit("subscription_schedule.canceled", schedule)
    store.emit("customer.subscription.deleted", subscription)


def void(store: Store, invoice: JSON) -> JSON:
    _expect(invoice, "open", "voided")
    invoice |= {"status": "void", "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = store.clock.now()
    store.emit("invoice.voided", invoice)
    return invoice


def give_up(store: Store, invoice: JSON) -> JSON:
    _expect(invoice, "open", "marked uncollectible")
    invoice |= {"status": "uncollectible", "next_payment_attempt": None}
    invoice["status_transitions"]["marked_uncollectible_at"] = store.clock.now()
    store.emit("invoice.marked_uncollectible", invoice)
    return invoice


def _expect(invoice: JSON, status: str, verb: str) -> None:
    if invoice["status"] != status:
        raise StripeRefusal(
            f"This invoice is {invoice['status']}: it can't be {verb}.", code="invoice_not_editable"
        )


def pay_now(store: Store, invoice: JSON, method: JSON | None) -> JSON:
    """Do as `POST …/pay` does. errors: StripeRefusal, a card error where the card is declined"""
    if invoice["status"] == "draft":
        finalize(store, invoice)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal("Invoice is already paid", code="invoice_already_paid")
    refused = pay(store, invoice, method)
    if refused is not None:
        raise refused
    return invoice
