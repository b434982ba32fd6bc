"""The books are what Stripe has, whatever becomes of its events (hostile-inputs.md J5 to J9)."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import select

from control_plane.accounts.actions import set_plan
from control_plane.billing.books import Books
from control_plane.billing.repository import find_customer
from control_plane.billing.rules import BillingRefused
from control_plane.billing.seen import Status
from control_plane.billing.stripe_gateway import StripeAway
from shared.domain.plan import Interval, PlanName
from shared.runtime.tables.billing import stripe_event
from tests.control_plane.billing.shop import OWNER, Shop, strange_event
from tests.stripe_double.faults import Fault


async def test_a_purchase_gives_the_plan_once_its_events_are_taken(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    assert await shop.plan_of(account) is PlanName.SANDBOX
    outcomes = await shop.deliver_all()
    assert "taken" in outcomes
    assert await shop.plan_of(account) is PlanName.GROWTH
    assert await shop.in_books(account) == await shop.at_stripe(account)


async def test_all_orders_of_the_same_events_end_the_same(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    events = [
        each
        for each in shop.double.deliveries.pending()
        if each["type"].startswith(("customer.subscription", "invoice.paid", "checkout"))
    ][:3]
    assert len(events) == 3
    for order in permutations(events):
        for number, each in enumerate(order):
            again = {**each, "id": f"{each['id']}{id(order)}{number}"}
            await shop.books.take_event(await shop.deliver(again), shop.now)
        assert await shop.in_books(account) == await shop.at_stripe(account)
        assert await shop.plan_of(account) is PlanName.GROWTH


async def test_an_event_that_comes_a_hundred_times_asks_once(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    event = shop.double.deliveries.pending()[-1]
    for _ in range(5):
        await asyncio.gather(*(shop.deliver(event) for _ in range(20)))
    before = len(shop.double.calls)
    takes = [shop.books.take_event(event["id"], shop.now) for _ in range(5)]
    assert "taken" in await asyncio.gather(*takes)
    asked = [path for _, path in shop.double.calls[before:]]
    assert asked == ["/v1/subscriptions", "/v1/invoices"]


async def test_what_is_of_the_other_mode_or_of_nobody_or_of_no_use_has_no_effect(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    about = shop.double.deliveries.pending()[-1]["data"]
    strange = {
        "no effect: of the other mode": strange_event(
            "customer.subscription.updated", livemode=True, data=about
        ),
        "no effect: of nobody we know": strange_event("customer.subscription.deleted"),
        "ignored": strange_event("payout.paid"),
    }
    before = len(shop.double.calls)
    for outcome, event in strange.items():
        await shop.books.take_event(await shop.deliver(event), shop.now)
        assert await shop.outcome_of(event["id"]) == outcome
    assert shop.double.calls[before:] == []
    assert await shop.plan_of(account) is PlanName.SANDBOX
    assert len([each for each in caplog.records if "alert" in each.message]) == 2


async def test_a_price_that_is_none_of_ours_gives_no_plan(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    with shop.double.lock:
        for each in shop.double.store.all("price"):
            each |= {"lookup_key": None, "metadata": {}}
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.SANDBOX
    held = await shop.held(account)
    assert held is not None
    assert (held.status, held.plan) == (Status.ACTIVE, None)
    assert any("no price of ours" in each.message for each in caplog.records)


async def test_a_purchase_is_bound_by_the_session_we_stored_and_by_nothing_it_says(
    shop: Shop,
) -> None:
    account, other = await shop.new_account(), await shop.new_account()
    await shop.buy(account)
    await shop.billing.begin_checkout(other, PlanName.SCALE, Interval.MONTHLY, OWNER, shop.now)
    done = next(
        each
        for each in shop.double.deliveries.pending()
        if each["type"] == "checkout.session.completed"
    )
    forged = {**done["data"]["object"], "id": "cs_forged", "client_reference_id": other}
    event = strange_event(done["type"], data={"object": forged})
    await shop.books.take_event(await shop.deliver(event), shop.now)
    assert (await shop.outcome_of(event["id"]) or "").startswith("no effect")
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.GROWTH
    assert await shop.plan_of(other) is PlanName.SANDBOX


async def test_a_plan_that_the_operator_has_set_is_left(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    await shop.deliver_all()
    await set_plan(shop.database, account, PlanName.BUSINESS)
    with pytest.raises(BillingRefused, match="by contract"):
        await shop.buy(account, PlanName.SCALE)
    shop.double.advance(days=40)
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.BUSINESS
    await set_plan(shop.database, account, PlanName.GROWTH)
    assert not (await shop.billing.billing_of(account, shop.now)).by_contract


async def test_a_payment_that_fails_has_its_grace_and_what_is_paid_gives_the_plan_back(
    shop: Shop,
) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    await shop.deliver_all()
    shop.have_cards("card_declined")
    shop.double.store.after_last_retry = "past_due"
    shop.double.advance(days=32)
    await shop.deliver_all()
    state = await shop.billing.billing_of(account, shop.now)
    assert state.subscription is not None
    assert state.subscription.status is Status.PAST_DUE
    assert state.unpaid is not None
    assert (state.plan, state.unpaid.status) == (PlanName.GROWTH, "open")
    shop.double.advance(days=15)
    await shop.books.look_after_due(shop.now)
    assert await shop.plan_of(account) is PlanName.SANDBOX
    shop.have_cards(None)
    shop.pay_open()
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.GROWTH


async def test_stripe_away_loses_nothing_and_is_caught_up_with(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    shop.double.faults.add(Fault(status=500, times=None))
    for event in shop.double.deliveries.pending():
        await shop.deliver(event)
    waiting = await shop.waiting()
    with pytest.raises(StripeAway):
        await shop.books.take_event(waiting[-1], shop.now)
    assert waiting == await shop.waiting()
    assert await shop.plan_of(account) is PlanName.SANDBOX
    shop.double.faults.clear()
    await shop.books.take_waiting(shop.now + timedelta(hours=1))
    assert await shop.waiting() == []
    assert await shop.plan_of(account) is PlanName.GROWTH


async def test_events_that_never_arrived_are_fetched_and_older_ones_are_found_by_comparing(
    shop: Shop,
) -> None:
    account, older = await shop.new_account(), await shop.new_account()
    await shop.buy(older)
    shop.double.advance(days=31)
    await shop.buy(account)
    missing = await shop.books.fetch_missing(shop.now)
    assert missing > 0
    assert await shop.books.fetch_missing(shop.now) == 0
    for event_id in await shop.waiting():
        await shop.books.take_event(event_id, shop.now)
    assert await shop.plan_of(account) is PlanName.GROWTH
    different = (await shop.books.reconcile(shop.now)).different
    assert account not in different
    assert await shop.plan_of(older) is PlanName.GROWTH
    assert await shop.in_books(older) == await shop.at_stripe(older)


async def test_many_at_once_for_one_account_are_one_effect(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    ids = [await shop.deliver(each) for each in shop.double.deliveries.pending()]
    others = [Books(shop.database, shop.stripe, "https://console.test") for _ in range(3)]
    await asyncio.gather(
        *(each.take_event(event_id, shop.now) for each in others for event_id in ids)
    )
    assert await shop.in_books(account) == await shop.at_stripe(account)
    async with shop.database.control() as connection:
        customer = await find_customer(connection, account)
    assert customer is not None
    assert customer.changes == 1


async def test_an_event_that_cannot_be_taken_holds_up_none_behind_it(shop: Shop) -> None:
    """What its customer has is of a shape that nobody knows; the next one's is taken."""
    broken, account = await shop.new_account(), await shop.new_account()
    for each in (broken, account):
        await shop.buy(each)
    async with shop.database.control() as connection:
        customer = await find_customer(connection, broken)
    assert customer is not None
    events = [each for each in shop.double.deliveries.pending() if "subscription" in each["type"]]
    events.sort(key=lambda each: each["data"]["object"].get("customer") != customer.customer_id)
    for event in events:
        await shop.deliver(event)
    with shop.double.lock:
        for held in shop.double.store.all("subscription"):
            if held["customer"] == customer.customer_id:
                held["status"] = "a state of the future"
    await shop.books.take_waiting(shop.now + timedelta(days=1))
    assert await shop.plan_of(account) is PlanName.GROWTH
    assert await shop.plan_of(broken) is PlanName.SANDBOX
    async with shop.database.control() as connection:
        kept = await connection.execute(
            select(stripe_event).where(stripe_event.c.customer_id == customer.customer_id)
        )
        row = kept.mappings().first()
    assert row is not None
    assert (row["tries"], row["handled_at"]) == (1, None)
    assert "no shape that we know" in row["error"]


async def test_an_event_of_an_unknown_shape_is_of_nobody(shop: Shop) -> None:
    about = {"object": {"id": "in_1", "object": "invoice", "customer": {"id": "cus_whole"}}}
    event = strange_event("invoice.paid", data=about)
    await shop.books.take_event(await shop.deliver(event), shop.now)
    assert await shop.outcome_of(event["id"]) == "no effect: of nobody we know"
