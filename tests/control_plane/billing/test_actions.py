"""What an account's people do about their plan: bought, changed, ended, taken back, paid for."""

from datetime import timedelta

import pytest

from control_plane.accounts.actions import show_limits
from control_plane.billing.actions import Billing
from control_plane.billing.metering import count_all, send_all
from control_plane.billing.rules import METER, BillingRefused
from control_plane.billing.seen import Status
from control_plane.billing.stripe_gateway import StripeAway, StripeRefused
from shared.domain.plan import PLANS, Interval, PlanName
from tests.control_plane.billing.accounts import issue
from tests.control_plane.billing.shop import OWNER, Shop
from tests.stripe_double.faults import Fault
from tests.support import Installation

_MONTHLY, _YEARLY = Interval.MONTHLY, Interval.YEARLY


async def subscriber(shop: Shop, plan: PlanName = PlanName.GROWTH) -> str:
    account = await shop.new_account()
    await shop.buy(account, plan)
    await shop.deliver_all()
    return account


async def test_a_trial_needs_no_card_is_had_once_and_ends_in_sandbox(shop: Shop) -> None:
    account = await shop.new_account()
    assert (await shop.billing.billing_of(account, shop.now)).may_start_trial
    await shop.billing.start_trial(account, OWNER, shop.now)
    state = await shop.billing.billing_of(account, shop.now)
    assert (state.plan, state.may_start_trial) == (PlanName.GROWTH, False)
    assert state.subscription is not None
    assert state.subscription.trial_end is not None
    assert timedelta(days=13) < state.subscription.trial_end - shop.now <= timedelta(days=14)
    with pytest.raises(BillingRefused, match="trial"):
        await shop.billing.start_trial(account, OWNER, shop.now)
    shop.double.advance(days=15)
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.SANDBOX


async def test_a_purchase_takes_the_place_of_the_trial(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.billing.start_trial(account, OWNER, shop.now)
    change = await shop.billing.preview_change(account, PlanName.SCALE, _MONTHLY, shop.now)
    assert change.needs_checkout
    await shop.buy(account, PlanName.SCALE)
    await shop.deliver_all()
    await shop.deliver_all()  # what the end of the trial tells
    assert await shop.plan_of(account) is PlanName.SCALE
    assert sorted(status for status, *_ in (await shop.at_stripe(account)).values())[:2] == [
        "active",
        "canceled",
    ]


async def test_more_is_had_at_once_for_what_the_preview_said(shop: Shop) -> None:
    account = await subscriber(shop)
    change = await shop.billing.preview_change(account, PlanName.SCALE, _MONTHLY, shop.now)
    assert (change.at_once, change.needs_checkout) == (True, False)
    assert 0 < change.due_now <= PLANS[PlanName.SCALE].price - PLANS[PlanName.GROWTH].price
    await shop.billing.change_plan(account, PlanName.SCALE, _MONTHLY, OWNER, shop.now)
    assert await shop.plan_of(account) is PlanName.SCALE
    newest = (await shop.billing.list_invoices(account))[0]
    assert (newest.total, newest.status) == (change.due_now, "paid")


async def test_a_year_is_had_at_once(shop: Shop) -> None:
    account = await subscriber(shop)
    await shop.billing.change_plan(account, PlanName.GROWTH, _YEARLY, OWNER, shop.now)
    held = await shop.held(account)
    assert held is not None
    assert held.interval is _YEARLY
    assert held.period_end is not None
    assert held.period_end - shop.now > timedelta(days=360)


async def test_where_the_card_is_declined_nothing_changes(shop: Shop) -> None:
    account = await subscriber(shop)
    shop.have_cards("card_declined")
    with pytest.raises(StripeRefused):
        await shop.billing.change_plan(account, PlanName.SCALE, _MONTHLY, OWNER, shop.now)
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.GROWTH


async def test_less_comes_at_the_periods_end_and_can_be_taken_back(shop: Shop) -> None:
    account = await subscriber(shop)
    change = await shop.billing.change_plan(account, PlanName.STARTER, _MONTHLY, OWNER, shop.now)
    held = await shop.held(account)
    assert held is not None
    assert not change.at_once
    assert change.takes_effect == held.period_end
    assert (held.plan, held.scheduled_plan) == (PlanName.GROWTH, PlanName.STARTER)
    await shop.billing.change_plan(account, PlanName.GROWTH, _MONTHLY, OWNER, shop.now)
    held = await shop.held(account)
    assert held is not None
    assert held.scheduled_plan is None
    await shop.billing.change_plan(account, PlanName.STARTER, _MONTHLY, OWNER, shop.now)
    shop.double.advance(days=32)
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.STARTER


async def test_what_is_canceled_goes_on_to_its_end_or_is_taken_back(shop: Shop) -> None:
    account = await subscriber(shop)
    await shop.billing.cancel(account, OWNER, shop.now)
    held = await shop.held(account)
    assert held is not None
    assert held.cancel_at_period_end
    assert await shop.billing.draft_invoice(account) is None
    await shop.billing.reactivate(account, OWNER, shop.now)
    draft = await shop.billing.draft_invoice(account)
    assert draft is not None
    assert draft.total == PLANS[PlanName.GROWTH].price
    await shop.billing.cancel(account, OWNER, shop.now)
    assert await shop.plan_of(account) is PlanName.GROWTH
    shop.double.advance(days=32)
    await shop.deliver_all()
    held = await shop.held(account)
    assert held is not None
    assert held.status is Status.CANCELED
    assert await shop.plan_of(account) is PlanName.SANDBOX
    await shop.buy(account, PlanName.STARTER)
    await shop.deliver_all()
    assert await shop.plan_of(account) is PlanName.STARTER


async def test_an_answer_that_is_lost_and_a_second_try_change_it_once(shop: Shop) -> None:
    account = await shop.new_account()
    shop.double.faults.add(Fault(lost=True, path="/v1/subscriptions", method="POST", times=3))
    with pytest.raises(StripeAway):
        await shop.billing.start_trial(account, OWNER, shop.now)
    await shop.billing.start_trial(account, OWNER, shop.now)
    assert len(await shop.at_stripe(account)) == len({*await shop.in_books(account)})
    for kind in ("subscription", "customer"):
        assert len(shop.double.store.all(kind)) == 1


async def test_tokens_over_the_plan_are_bought_up_to_a_cap_and_sent_once(
    shop: Shop, billed_installation: Installation
) -> None:
    account = await subscriber(shop, PlanName.STARTER)
    await shop.billing.set_overage(account, 50_00, OWNER, shop.now)
    limits = (await show_limits(shop.database, account)).limits
    assert limits.month is not None
    assert limits.month.allowed == 300_000
    await issue(billed_installation, account, f"{shop.now:%Y-%m}", 100_250)
    await count_all(shop.database, shop.now)
    lost = Fault(lost=True, path="/v1/billing/meter_events", times=3)
    shop.double.faults.add(lost)
    with pytest.raises(StripeAway):
        await send_all(shop.database, shop.stripe, shop.now)
    assert await send_all(shop.database, shop.stripe, shop.now) >= 1
    assert await send_all(shop.database, shop.stripe, shop.now) == 0
    sent = shop.double.store.all("billing.meter_event")
    assert [(each["event_name"], each["_value"]) for each in sent] == [(METER, 250)]
    with pytest.raises(BillingRefused, match="subscription"):
        await shop.billing.set_overage(await shop.new_account(), 1_00, OWNER, shop.now)


async def test_the_portal_the_address_and_the_invoices_are_the_accounts(shop: Shop) -> None:
    account = await subscriber(shop)
    assert (await shop.billing.open_portal(account)).startswith(shop.double.url)
    await shop.billing.set_email(account, "bills@example.com", OWNER)
    assert (await shop.billing.details_of(account)).email == "bills@example.com"
    (invoice,) = await shop.billing.list_invoices(account)
    assert invoice.number
    assert invoice.pdf_url
    assert (invoice.total, invoice.currency) == (99_00, "usd")


async def test_where_nothing_is_sold_all_is_seen_and_nothing_bought(shop: Shop) -> None:
    account, closed = await shop.new_account(), Billing(shop.database, None, "https://console.test")
    assert not closed.is_set_up
    assert (await closed.billing_of(account, shop.now)).plan is PlanName.SANDBOX
    assert await closed.list_invoices(account) == []
    with pytest.raises(BillingRefused, match="not set up"):
        await closed.begin_checkout(account, PlanName.GROWTH, _MONTHLY, OWNER, shop.now)
