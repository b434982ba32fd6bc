"""What calls do beyond the work of one module."""

from tests.stripe_double import catalogue, customers, invoices, subscriptions
from tests.stripe_double.listing import Listing, matches_event
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal, missing


def cancel(store: Store, subscription: JSON, given: JSON) -> JSON:
    if subscription["ended_at"] is not None:
        raise missing("subscription", subscription["id"])
    bill, prorate = given.get("invoice_now", False), given.get("prorate", False)
    subscription["cancellation_details"].update(given.get("cancellation_details") or {})
    return subscriptions.end(store, subscription, bill=bill, prorate=prorate)


def pay(store: Store, invoice: JSON, given: JSON) -> JSON:
    if given.get("paid_out_of_band"):
        raise StripeRefusal("The double takes cards alone.", param="paid_out_of_band")
    customer = store.get("customer", invoice["customer"])
    name = given.get("payment_method")
    method = None if name is None else customers.attach(store, name, customer)
    return invoices.pay_now(store, invoice, method)


def make_invoice(store: Store, given: JSON) -> JSON:
    customer = store.get("customer", given.get("customer", ""), "customer")
    name = given.get("subscription")
    subscription = None if name is None else store.get("subscription", name, "subscription")
    invoice = invoices.draft(store, customer, subscription, [], "manual")
    invoice |= {each: given[each] for each in ("description", "metadata") if each in given}
    return invoice


def make_invoice_item(store: Store, given: JSON) -> JSON:
    now = store.clock.now()
    currency, amount = given.get("currency", "usd"), given.get("amount", 0)
    line = {
        "id": f"il_{now}_{amount}",
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": given.get("description", ""),
        "metadata": given.get("metadata", {}),
        "parent": {"type": "invoice_item_details", "subscription_item_details": None},
        "period": {"start": now, "end": now},
        "quantity": 1,
    }
    item = store.make(
        "invoiceitem",
        "ii",
        amount=amount,
        currency=currency,
        customer=given["customer"],
        description=line["description"],
        invoice=None,
        parent=None,
        proration=False,
        _line=line,
    )
    store.emit("invoiceitem.created", item)
    return item


def update_invoice(store: Store, invoice: JSON, given: JSON) -> JSON:
    with store.changing(invoice, "invoice.updated"):
        catalogue.merge(invoice, given)
    return invoice


def update_product(store: Store, product: JSON, given: JSON) -> JSON:
    with store.changing(product, "product.updated"):
        catalogue.merge(product, given)
        product["updated"] = store.clock.now()
    return product


def update_meter(store: Store, meter: JSON, given: JSON) -> JSON:
    with store.changing(meter, "billing.meter.updated"):
        catalogue.merge(meter, given)
    return meter


def make_method(store: Store, _: list[str], given: JSON) -> JSON:
    token = given.get("card", {}).get("token", "tok_visa")
    return customers.make_method(store, token.removeprefix("tok_"), given.get("billing_details"))


def attach(store: Store, names: list[str], given: JSON) -> JSON:
    customer = store.get("customer", given["customer"], "customer")
    return customers.attach(store, names[0], customer)


def events(store: Store, _: list[str], given: JSON) -> Listing:
    undelivered = store.undelivered
    found = [each for each in store.events_kept() if matches_event(each, given, undelivered)]
    return Listing(found, given)


def event(store: Store, names: list[str], _: JSON) -> JSON:
    for each in store.events_kept():
        if each["id"] == names[0]:
            return each
    raise missing("event", names[0])
