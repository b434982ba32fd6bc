"""Customer portal sessions, and the previews of invoices."""

from tests.stripe_double import changes, invoices, subscriptions
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal

_CHANGES = {
    "cancel_at_period_end",
    "items",
    "proration_behavior",
    "proration_date",
    "trial_end",
}


def begin(store: Store, given: JSON) -> JSON:
    store.get("customer", given.get("customer", ""), "customer")
    session = store.make(
        "billing_portal.session",
        "bps",
        configuration=given.get("configuration", "bpc_default"),
        customer=given["customer"],
        flow=given.get("flow_data"),
        locale=given.get("locale"),
        return_url=given.get("return_url"),
    )
    session["url"] = f"{store.url}/p/session/{session['id']}"
    store.emit("billing_portal.session.created", session)
    return session


def preview(store: Store, given: JSON) -> JSON:
    """Give the invoice that would come next, of a copy of everything in which it comes."""
    trial = store.fork()
    details = given.get("subscription_details", {})
    wanted = {name: each for name, each in details.items() if name in _CHANGES}
    held = set(trial.objects)
    subscription = _subscription_of(trial, given, wanted)
    made = [each for each in trial.all("invoice") if each["id"] not in held]
    if not made:
        _have_it_billed(trial, subscription)
        made = [each for each in trial.all("invoice") if each["id"] not in held]
    if not made:
        raise StripeRefusal("No upcoming invoices for customer", code="invoice_upcoming_none")
    found = made[0]
    if found["status"] == "draft":
        invoices.reckon(trial, found)
    found |= {"id": f"upcoming_{found['id']}", "status": "draft", "number": None}
    found |= {"hosted_invoice_url": None, "invoice_pdf": None}
    return found


def _subscription_of(trial: Store, given: JSON, wanted: JSON) -> JSON:
    if "subscription" not in given:
        if "customer" not in given or not wanted.get("items"):
            raise StripeRefusal("Missing required param: subscription.", param="subscription")
        begun = wanted | {"customer": given["customer"], "payment_behavior": "default_incomplete"}
        return subscriptions.begin(trial, begun)
    subscription = trial.get("subscription", given["subscription"], "subscription")
    if wanted:
        wanted.setdefault("proration_behavior", "create_prorations")
        changes.change(trial, subscription, wanted)
    return subscription


def _have_it_billed(trial: Store, subscription: JSON) -> None:
    if subscription["ended_at"] is not None:
        return
    trialing = subscription["status"] == "trialing"
    end = min(each["current_period_end"] for each in subscription["items"]["data"])
    with trial.clock.held_at(subscription["trial_end"] if trialing else end):
        if trialing:
            subscriptions.end_trial(trial, subscription)
        else:
            subscriptions.renew(trial, subscription)
