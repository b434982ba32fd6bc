"""Subscription schedules: a change of prices that waits for the end of a period."""

from tests.stripe_double import changes, subscriptions
from tests.stripe_double.catalogue import merge
from tests.stripe_double.money import end_of_period
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal

_GOING = {"active", "not_started"}


def begin(store: Store, given: JSON) -> JSON:
    """Make one of a subscription, whose present period is its first phase."""
    if "from_subscription" not in given:
        raise StripeRefusal(
            "The double makes schedules with `from_subscription` alone.", param="from_subscription"
        )
    subscription = store.get("subscription", given["from_subscription"], "from_subscription")
    if subscription["schedule"] is not None:
        raise StripeRefusal(
            "You cannot migrate a subscription that is already attached to a schedule:"
            f" {subscription['schedule']}.",
            param="from_subscription",
        )
    items = subscription["items"]["data"]
    phase = {
        "start_date": min(each["current_period_start"] for each in items),
        "end_date": min(each["current_period_end"] for each in items),
        "items": [_item_of(each["price"]["id"], each.get("quantity")) for each in items],
        "currency": subscription["currency"],
        "discounts": [],
        "metadata": {},
        "proration_behavior": "create_prorations",
        "trial_end": subscription["trial_end"],
    }
    schedule = store.make(
        "subscription_schedule",
        "sub_sched",
        canceled_at=None,
        completed_at=None,
        current_phase={each: phase[each] for each in ("start_date", "end_date")},
        customer=subscription["customer"],
        default_settings={},
        end_behavior="release",
        metadata=given.get("metadata", {}),
        phases=[phase],
        released_at=None,
        released_subscription=None,
        status="active",
        subscription=subscription["id"],
    )
    store.emit("subscription_schedule.created", schedule)
    with store.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
    return schedule


def _item_of(price: str, quantity: int | None) -> JSON:
    item = {"price": price, "plan": price, "metadata": {}, "discounts": [], "tax_rates": []}
    return item if quantity is None else item | {"quantity": quantity}


def change(store: Store, schedule: JSON, given: JSON) -> JSON:
    _expect_going(schedule)
    plain = {name: each for name, each in given.items() if name in {"metadata", "end_behavior"}}
    phases = _phases(store, given["phases"]) if "phases" in given else schedule["phases"]
    with store.changing(schedule, "subscription_schedule.updated"):
        merge(schedule, plain)
        schedule["phases"] = phases
        now = store.clock.now()
        current = next(
            (each for each in phases if each["start_date"] <= now < each["end_date"]), None
        )
        if current is None:
            raise StripeRefusal("The current phase must be among the phases.", param="phases")
        schedule["current_phase"] = {name: current[name] for name in ("start_date", "end_date")}
    return schedule


def _phases(store: Store, given: list[JSON]) -> list[JSON]:
    """Give them with their dates: each begins where the one before it ends."""
    phases: list[JSON] = []
    for number, each in enumerate(given):
        begins = each.get("start_date", phases[-1]["end_date"] if phases else None)
        if begins is None:
            raise StripeRefusal(
                "The first phase needs a start_date.", param="phases[0][start_date]"
            )
        start = store.clock.now() if begins == "now" else begins
        prices = [
            store.get("price", item["price"], f"phases[{number}][items]") for item in each["items"]
        ]
        end = each.get("end_date")
        if end is None:
            recurring = each.get("duration") or prices[0]["recurring"]
            end = end_of_period(start, start, {"interval_count": 1} | recurring)
        phases.append(
            {
                "proration_behavior": "create_prorations",
                "metadata": {},
                "discounts": [],
                "currency": prices[0]["currency"],
                **{name: value for name, value in each.items() if name != "duration"},
                "start_date": start,
                "end_date": end,
                "items": [_item_of(item["price"], item.get("quantity")) for item in each["items"]],
            }
        )
    return phases


def go_on(store: Store, schedule: JSON) -> None:
    """Begin the next phase, or end the schedule after its last."""
    end = schedule["current_phase"]["end_date"]
    following = next((each for each in schedule["phases"] if each["start_date"] >= end), None)
    subscription = store.get("subscription", schedule["subscription"])
    if following is None:
        if schedule["end_behavior"] == "cancel":
            schedule |= {"status": "completed", "completed_at": store.clock.now()}
            store.emit("subscription_schedule.completed", schedule)
            subscriptions.end(store, subscription, bill=True)
        else:
            release(store, schedule)
        return
    with store.changing(schedule, "subscription_schedule.updated"):
        schedule["current_phase"] = {name: following[name] for name in ("start_date", "end_date")}
    changes.change(
        store,
        subscription,
        {
            "items": _as_changes(subscription, following["items"], store),
            "proration_behavior": following["proration_behavior"],
        },
    )


def _as_changes(subscription: JSON, wanted: list[JSON], store: Store) -> list[JSON]:
    """Give what makes of the items it has those of the phase: the same kind stays the same item."""
    held = {each["id"]: each for each in subscription["items"]["data"]}
    changes: list[JSON] = []
    for each in wanted:
        price = store.get("price", each["price"])
        usage = price["recurring"]["usage_type"]
        same = next(
            (
                key
                for key, item in held.items()
                if item["price"]["recurring"]["usage_type"] == usage
            ),
            None,
        )
        change_of: JSON = {name: each[name] for name in ("price", "quantity") if name in each}
        if same is not None:
            del held[same]
            change_of["id"] = same
        changes.append(change_of)
    return [*changes, *({"id": each, "deleted": True} for each in held)]


def release(store: Store, schedule: JSON) -> JSON:
    """Let the subscription go on as it is."""
    _expect_going(schedule)
    subscription = store.get("subscription", schedule["subscription"])
    schedule |= {
        "status": "released",
        "released_at": store.clock.now(),
        "released_subscription": subscription["id"],
        "subscription": None,
        "current_phase": None,
    }
    store.emit("subscription_schedule.released", schedule)
    with store.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = None
    return schedule


def cancel(store: Store, schedule: JSON) -> JSON:
    """End it, and its subscription with it."""
    _expect_going(schedule)
    subscriptions.end(store, store.get("subscription", schedule["subscription"]))
    return schedule


def _expect_going(schedule: JSON) -> None:
    if schedule["status"] not in _GOING:
        raise StripeRefusal(
            f"The subscription schedule is {schedule['status']} and cannot be changed.",
            code="resource_missing",
        )
