"""The life of a subscription, seen through the SDK: bought, changed, not paid, renewed, ended."""

from typing import Any

import pytest
import stripe

from tests.stripe_double.shop import Shop

_BOUGHT = [
    "payment_method.attached",
    "customer.subscription.created",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "customer.subscription.updated",
    "checkout.session.completed",
]
_NOT_PAID = ["invoice.payment_failed", "customer.subscription.updated"]
_RENEWED = ["invoice.created", "customer.subscription.updated", "invoice.finalized"]


async def test_a_purchase_leads_back_and_is_told_in_order(shop: Shop) -> None:
    session = await shop.offer("growth_monthly", "growth_overage", client_reference_id="acc")
    assert "$99.00" in (await shop.browser.get(session.url)).text
    told = len(shop.double.events)
    answer = await shop.click(session.url, card="visa")
    assert answer.headers["location"] == f"https://console.example/bought?session={session.id}"
    assert shop.events_since(told) == _BOUGHT
    done = await shop.api.checkout.sessions.retrieve_async(
        session.id, {"expand": ["subscription.latest_invoice"]}
    )
    assert (done.status, done.payment_status, done.client_reference_id) == (
        "complete",
        "paid",
        "acc",
    )
    assert (done.subscription.status, done.subscription.latest_invoice.amount_paid) == (
        "active",
        9900,
    )


@pytest.mark.parametrize(
    ("card", "words"), [("chargeDeclined", "declined"), ("threeDSecure2Required", "user action")]
)
async def test_a_card_that_is_refused_leaves_the_session_open(
    shop: Shop, card: str, words: str
) -> None:
    session = await shop.offer("growth_monthly")
    assert words in (await shop.click(session.url, card=card)).text
    assert (await shop.api.checkout.sessions.retrieve_async(session.id)).status == "open"
    assert shop.double.store.all("subscription") == []
    shop.double.advance(days=1, seconds=1)
    assert shop.double.events[-1]["type"] == "checkout.session.expired"


async def test_a_trial_without_a_card_ends_with_its_subscription(shop: Shop) -> None:
    data = {
        "trial_period_days": 14,
        "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
    }
    name = await shop.buy(
        "growth_monthly", card="", payment_method_collection="if_required", subscription_data=data
    )
    assert (await shop.subscription(name)).status == "trialing"
    told = len(shop.double.events)
    shop.double.advance(days=12)
    assert shop.events_since(told) == ["customer.subscription.trial_will_end"]
    shop.double.advance(days=3)
    assert shop.events_since(told + 1) == ["customer.subscription.deleted"]
    assert (await shop.subscription(name)).status == "canceled"


async def test_an_upgrade_costs_what_its_preview_says(shop: Shop) -> None:
    name = await shop.buy("starter_monthly")
    items = [{"id": await shop.item(name), "price": shop.prices["growth_monthly"]}]
    change: Any = {"items": items, "proration_behavior": "always_invoice"}
    change["proration_date"] = shop.double.store.clock.now()
    preview = await shop.api.invoices.create_preview_async(
        {"subscription": name, "subscription_details": change}
    )
    assert len(shop.double.store.all("invoice")) == 1  # nothing came of asking
    await shop.api.subscriptions.update_async(name, change)
    invoice = (await shop.subscription(name)).latest_invoice
    assert (invoice.status, invoice.total) == ("paid", preview.amount_due)
    assert [each.amount for each in invoice.lines.data] == [-2900, 9900]


async def test_an_upgrade_that_is_not_paid_changes_nothing(shop: Shop) -> None:
    name = await shop.buy("starter_monthly")
    portal = await shop.api.billing_portal.sessions.create_async({"customer": shop.customer})
    await shop.click(portal.url, card="chargeCustomerFail")
    change: Any = {
        "items": [{"id": await shop.item(name), "price": shop.prices["growth_monthly"]}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    with pytest.raises(stripe.CardError):
        await shop.api.subscriptions.update_async(name, change)
    (item,) = (await shop.subscription(name))["items"].data
    assert item.price.id == shop.prices["starter_monthly"]


async def test_a_renewal_bills_what_was_used_and_what_comes(shop: Shop) -> None:
    name = await shop.buy("growth_monthly", "growth_overage")
    await shop.use(120_000, "january")
    upcoming = await shop.api.invoices.create_preview_async({"subscription": name})
    told = len(shop.double.events)
    shop.double.advance(days=32)
    invoice = (await shop.subscription(name)).latest_invoice
    assert sorted(each.amount for each in invoice.lines.data) == [1200, 9900]
    assert invoice.total == upcoming.total == 11_100
    assert shop.events_since(told) == [*_RENEWED, "invoice.paid", "invoice.payment_succeeded"]


async def test_a_payment_that_fails_is_tried_again_and_recovers(shop: Shop) -> None:
    name = await shop.buy("growth_monthly")
    portal = await shop.api.billing_portal.sessions.create_async({"customer": shop.customer})
    await shop.click(portal.url, card="chargeCustomerFail")
    told = len(shop.double.events)
    shop.double.advance(days=32)
    assert shop.events_since(told) == [*_RENEWED, *_NOT_PAID]
    held = await shop.subscription(name)
    assert (held.status, held.latest_invoice.status) == ("past_due", "open")
    assert held.latest_invoice.next_payment_attempt > shop.double.store.clock.now()
    await shop.click(portal.url, card="visa")
    shop.double.advance(days=3)
    held = await shop.subscription(name)
    assert (held.status, held.latest_invoice.status) == ("active", "paid")


@pytest.mark.parametrize("last", ["canceled", "unpaid"])
async def test_after_the_last_try_it_is_as_the_account_chose(shop: Shop, last: str) -> None:
    shop.double.store.after_last_retry = last
    name = await shop.buy("growth_monthly")
    portal = await shop.api.billing_portal.sessions.create_async({"customer": shop.customer})
    await shop.click(portal.url, card="chargeCustomerFail")
    shop.double.advance(days=48)
    held = await shop.subscription(name)
    assert held.status == last
    tries = [each for each in shop.double.events if each["type"] == "invoice.payment_failed"]
    assert len(tries) == 4


async def test_a_downgrade_waits_for_the_end_of_the_period(shop: Shop) -> None:
    name = await shop.buy("growth_monthly")
    schedule = await shop.api.subscription_schedules.create_async({"from_subscription": name})
    (now,) = schedule.phases
    growth, starter = (shop.prices[f"{each}_monthly"] for each in ("growth", "starter"))
    present = {
        "start_date": now.start_date,
        "end_date": now.end_date,
        "items": [{"price": growth, "quantity": 1}],
    }
    month = {"interval": "month", "interval_count": 1}
    then = {"items": [{"price": starter, "quantity": 1}], "duration": month}
    await shop.api.subscription_schedules.update_async(
        schedule.id, {"phases": [present, then], "end_behavior": "release"}
    )
    shop.double.advance(days=27)
    (item,) = (await shop.subscription(name))["items"].data
    assert item.price.id == growth
    shop.double.advance(days=5)
    held = await shop.subscription(name)
    assert (held["items"].data[0].price.id, held.latest_invoice.total) == (starter, 2900)
    shop.double.advance(days=31)
    assert (await shop.subscription(name)).schedule is None  # released


async def test_a_year_is_billed_at_once_less_what_is_paid(shop: Shop) -> None:
    name = await shop.buy("growth_monthly")
    items = [{"id": await shop.item(name), "price": shop.prices["growth_yearly"]}]
    await shop.api.subscriptions.update_async(name, {"items": items})
    held = await shop.subscription(name)
    year = held["items"].data[0].current_period_end - held["items"].data[0].current_period_start
    assert year in {365 * 86_400, 366 * 86_400}
    assert 98_600 - 9900 <= held.latest_invoice.amount_paid <= 98_600 - 9890


async def test_what_is_cancelled_in_the_portal_can_be_taken_back(shop: Shop) -> None:
    name = await shop.buy("growth_monthly")
    portal = await shop.api.billing_portal.sessions.create_async({"customer": shop.customer})
    await shop.click(portal.url, cancel=name)
    assert (await shop.subscription(name)).cancel_at_period_end
    await shop.click(portal.url, reactivate=name)
    assert not (await shop.subscription(name)).cancel_at_period_end
    await shop.click(portal.url, cancel=name)
    shop.double.advance(days=32)
    assert (await shop.subscription(name)).status == "canceled"
    assert shop.double.events[-1]["type"] == "customer.subscription.deleted"


async def test_an_invoice_has_its_page_and_its_pdf(shop: Shop) -> None:
    invoice = (await shop.subscription(await shop.buy("growth_monthly"))).latest_invoice
    assert "$99.00" in (await shop.browser.get(invoice.hosted_invoice_url)).text
    pdf = await shop.browser.get(invoice.invoice_pdf)
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-1.4")


async def test_a_trial_whose_card_fails_at_its_end_is_past_due(shop: Shop) -> None:
    trial = {"trial_period_days": 14}
    name = await shop.buy("growth_monthly", card="chargeCustomerFail", subscription_data=trial)
    assert (await shop.subscription(name)).status == "trialing"
    shop.double.advance(days=15)
    assert (await shop.subscription(name)).status == "past_due"
