"""What happens by itself once its time has come, in its order, each thing at its own moment."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from tests.stripe_double import checkout, invoices, schedules, subscriptions
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON

# when, which first at the same moment, what
Due: TypeAlias = tuple[int, int, Callable[[], object]]


def catch_up(store: Store) -> None:
    """Have everything happen that is due by now."""
    until = store.clock.now()
    while True:
        due = min(_all_due(store, until), key=lambda each: each[:2], default=None)
        if due is None:
            return
        with store.clock.held_at(due[0]):
            due[2]()


def _all_due(store: Store, until: int) -> Iterator[Due]:
    for each in store.objects.values():
        for due in _of(store, each):
            if due[0] <= until:
                yield due


def _of(store: Store, thing: JSON) -> Iterator[Due]:
    match thing["object"]:
        case "subscription" if thing["ended_at"] is None:
            yield from _of_subscription(store, thing)
        case "subscription_schedule" if thing["status"] == "active":
            yield thing["current_phase"]["end_date"], 0, partial(schedules.go_on, store, thing)
        case "invoice":
            yield from _of_invoice(store, thing)
        case "checkout.session" if thing["status"] == "open":
            yield thing["expires_at"], 4, partial(checkout.expire, store, thing)
        case _:
            pass


def _of_subscription(store: Store, subscription: JSON) -> Iterator[Due]:
    match subscription["status"]:
        case "trialing":
            end = subscription["trial_end"]
            if not subscription["_told"]:
                at = max(end - subscriptions.TOLD_BEFORE, subscription["created"])
                yield at, 1, partial(_tell_of_trial, store, subscription)
            yield end, 2, partial(subscriptions.end_trial, store, subscription)
        case "incomplete":
            end = subscription["created"] + subscriptions.INCOMPLETE_FOR
            yield end, 2, partial(subscriptions.expire, store, subscription)
        case "active" | "past_due" | "unpaid":
            end = min(each["current_period_end"] for each in subscription["items"]["data"])
            yield end, 2, partial(subscriptions.renew, store, subscription)
        case _:
            pass


def _tell_of_trial(store: Store, subscription: JSON) -> None:
    subscription["_told"] = True
    store.emit("customer.subscription.trial_will_end", subscription)


def _of_invoice(store: Store, invoice: JSON) -> Iterator[Due]:
    if invoice["status"] == "draft" and invoice["automatically_finalizes_at"] is not None:
        yield invoice["automatically_finalizes_at"], 3, partial(invoices.settle, store, invoice)
    if invoice["status"] == "open" and invoice["next_payment_attempt"] is not None:
        yield invoice["next_payment_attempt"], 3, partial(invoices.pay, store, invoice)
