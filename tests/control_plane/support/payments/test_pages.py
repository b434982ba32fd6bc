"""Stripe's events and the reconciliation, as support sees them and acts on them (C6, C7)."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from secrets import token_hex

import pytest
from sqlalchemy import select, text, update

from control_plane.billing.books import QUEUE
from control_plane.billing.comparisons import Reconciliation, set_reconciliation
from control_plane.billing.stripe_gateway import StripeAway
from control_plane.jobs.queue import Work
from control_plane.staff.rules import StaffRole
from shared.domain.plan import PlanName
from shared.runtime.tables.audit import account_event
from shared.runtime.tables.billing import stripe_event
from tests.control_plane.background import NO_MAIL, jobs_done
from tests.control_plane.billing.shop import Shop, strange_event
from tests.control_plane.console import text_of
from tests.control_plane.support_app import Support
from tests.stripe_double.faults import Fault
from tests.support import Installation

_PATIENCE = 60.0  # seconds
_EVENTS = "/support/payments/events"


def jobs(shop: Shop, installation: Installation) -> AbstractAsyncContextManager[None]:
    return jobs_done(installation, Work(shop.database, NO_MAIL, shop.books), QUEUE)


async def comes_to_be(shop: Shop, account: str, plan: PlanName) -> None:
    end = time.monotonic() + _PATIENCE
    while await shop.plan_of(account) is not plan:
        assert time.monotonic() < end, "the plan did not come"
        await asyncio.sleep(0.05)


async def bought(shop: Shop) -> tuple[str, str]:
    """Buy, have the last of what it tells arrive, and take it; give account and event."""
    account = await shop.new_account()
    await shop.buy(account)
    event_id = await shop.deliver(shop.double.deliveries.pending()[-1])
    await shop.books.take_event(event_id, shop.now)
    return account, event_id


async def recorded(shop: Shop, account: str) -> list[str]:
    """Name what the customer reads of it."""
    async with shop.database.control() as connection:
        found = await connection.scalars(
            select(account_event.c.action)
            .where(account_event.c.account_id == account, account_event.c.actor_kind == "staff")
            .order_by(account_event.c.seq)
        )
    return list(found)


async def test_who_paid_and_is_still_limited_has_their_plan_once_the_lost_is_fetched(
    support: Support, shop: Shop, billed_installation: Installation
) -> None:
    account = await shop.new_account()
    await shop.buy(account)  # and nothing is delivered
    page = f"/support/accounts/{account}/payments"
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        seen = text_of(await browser.get(page))
        assert "Sandbox plan" in seen
        assert "Stripe has told us nothing of this account" in seen
        assert "No such event" in text_of(await browser.get(f"{_EVENTS}?account={account}"))
        answer = await browser.act("/support/payments/fetch-missing", reason="They paid")
        assert answer.status_code == 303
        assert "It is asked for" in text_of(await browser.get(_EVENTS))
        async with jobs(shop, billed_installation):
            await comes_to_be(shop, account, PlanName.GROWTH)
        seen = text_of(await browser.get(page))
        assert "Growth plan" in seen
        assert "was never delivered" in seen
        assert await shop.in_books(account) == await shop.at_stripe(account)


async def test_an_event_is_replayed_and_asks_stripe_though_the_books_are_newer(
    support: Support, shop: Shop, billed_installation: Installation
) -> None:
    account, event_id = await bought(shop)
    async with shop.database.control() as connection:  # as a mistake of ours would leave it
        await connection.execute(text("UPDATE control.subscription SET plan = NULL"))
        await connection.execute(
            text("UPDATE control.account SET plan = 'sandbox' WHERE id = :id"), {"id": account}
        )
        await connection.execute(text("UPDATE control.billing_customer SET given_plan = NULL"))
    path = f"/support/accounts/{account}/payments/events/{event_id}"
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        for _ in range(2):  # twice does no harm
            assert (await browser.act(f"{path}/replay")).headers["location"] == path
        seen = text_of(await browser.get(path))
        assert "A replay was asked for" in seen
        async with jobs(shop, billed_installation):
            await comes_to_be(shop, account, PlanName.GROWTH)
        seen = text_of(await browser.get(path))
        assert "Handled" in seen
    assert await recorded(shop, account) == ["support.open", *["stripe_event.replay"] * 2]


async def test_an_ignored_event_is_left_until_it_is_heeded(support: Support, shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    event_id = await shop.deliver(shop.double.deliveries.pending()[-1])
    path = f"/support/accounts/{account}/payments/events/{event_id}"
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        await browser.act(f"{path}/ignore", reason="a test of theirs")
        await shop.books.take_event(event_id, shop.now)
        assert event_id not in await shop.waiting()
        assert await shop.plan_of(account) is PlanName.SANDBOX
        seen = text_of(await browser.get(path))
        assert f"Ignored by {browser.by.email}" in seen
        assert "a test of theirs" in seen
        refused = await browser.act(f"{path}/replay")
        assert refused.status_code == 422
        assert "it is ignored" in text_of(refused)
        await browser.act(f"{path}/heed")
        assert (await browser.act(f"{path}/heed")).status_code == 422
        await shop.books.take_event(event_id, shop.now)
        assert await shop.plan_of(account) is PlanName.GROWTH
        assert (await browser.act(f"{path}/ignore")).status_code == 422
    actions = await recorded(shop, account)
    assert actions == ["support.open", "stripe_event.ignore", "stripe_event.heed"]


async def test_why_an_event_failed_is_shown_and_found_by_its_state(
    support: Support, shop: Shop
) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    event_id = await shop.deliver(shop.double.deliveries.pending()[-1])
    shop.double.faults.add(Fault(status=500, times=None))
    with pytest.raises(StripeAway):
        await shop.books.take_event(event_id, shop.now)
    shop.double.faults.clear()
    path = f"/support/accounts/{account}/payments/events/{event_id}"
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        assert "Stripe does not answer just now" in text_of(await browser.get(path))

        async def lists(**asked: str) -> bool:
            answer = await browser.client.get(_EVENTS, params={"account": account} | asked)
            return event_id in answer.text

        assert await lists(state="failed")
        assert not await lists(state="waiting")
        assert not await lists(state="handled")
        assert await lists(type="customer.", since="2020-01-01") is await lists(type="customer.")
        assert not await lists(since="2999-01-01")
        await shop.books.take_event(event_id, shop.now)
        assert await lists(state="handled")
        assert not await lists(state="failed")


async def test_the_list_is_cut_into_pages_and_says_nothing_of_a_payload(
    support: Support, shop: Shop
) -> None:
    kind, secret = f"payout.{token_hex(4)}", f"c4n4ry{token_hex(4)}"
    about = {"object": {"id": "po_1", "object": "payout", "note": secret}}
    for _ in range(25):
        await shop.deliver(strange_event(kind, data=about))
    async with support.signed_in(StaffRole.BILLING) as browser:
        first = await browser.get(f"{_EVENTS}?type={kind}")
        assert first.text.count("po_1") == 0
        assert secret not in first.text
        older = first.text.partition('rel="next" href="')[2].partition('"')[0]
        second = await browser.get(older.replace("&amp;", "&"))
    seen = [page.text.count(f">{kind}</a>") for page in (first, second)]
    assert seen == [20, 5]


async def test_an_event_of_nobody_has_a_page_of_its_own_without_what_is_secret(
    support: Support, shop: Shop
) -> None:
    about = {"object": {"id": "seti_1", "object": "setup_intent", "client_secret": "c4n4ry"}}
    event_id = await shop.deliver(strange_event("setup_intent.created", data=about))
    path = f"{_EVENTS}/{event_id}"
    async with support.signed_in(StaffRole.BILLING) as browser:
        page = await browser.get(path)
        assert "seti_1" in page.text
        assert "c4n4ry" not in page.text
        assert (await browser.act(f"{path}/ignore")).status_code in {200, 303}
        assert (await browser.act(f"{path}/heed")).status_code in {200, 303}
        assert (await browser.act(f"{path}/replay")).status_code in {200, 303}
        assert (await browser.get(f"{_EVENTS}/evt_none")).status_code == 404


async def test_an_event_of_one_account_is_not_under_another(support: Support, shop: Shop) -> None:
    account, event_id = await bought(shop)
    other = await shop.new_account()
    async with support.signed_in(StaffRole.BILLING, other) as browser:
        base = f"/support/accounts/{other}/payments/events/{event_id}"
        assert (await browser.get(base)).status_code == 404
        for act in ("replay", "ignore", "heed"):
            assert (await browser.act(f"{base}/{act}")).status_code == 404
            # nor without a grant, by the address of nobody's events
            answer = await browser.act(f"{_EVENTS}/{event_id}/{act}")
            own = f"/support/accounts/{account}/payments/events/{event_id}"
            assert answer.headers["location"] == own
        assert (
            (await browser.get(own))
            .headers["location"]
            .startswith(f"/support/accounts/{account}/open")
        )
    assert await shop.outcome_of(event_id) == "taken"
    assert await recorded(shop, account) == []


async def test_an_account_is_asked_about_and_who_never_bought_is_told_so(
    support: Support, shop: Shop, billed_installation: Installation
) -> None:
    account, other = await shop.new_account(), await shop.new_account()
    await shop.buy(account)
    async with support.signed_in(StaffRole.BILLING, account, other) as browser:
        answer = await browser.act(f"/support/accounts/{account}/payments/reconcile")
        assert answer.status_code == 303
        async with jobs(shop, billed_installation):
            await comes_to_be(shop, account, PlanName.GROWTH)
        answer = await browser.act(f"/support/accounts/{other}/payments/reconcile")
        assert answer.status_code == 422
        assert "never bought anything" in text_of(answer)
    assert await recorded(shop, account) == ["support.open", "billing.reconcile"]


async def test_counts_that_differ_stand_out_and_come_first(support: Support, shop: Shop) -> None:
    account = await shop.new_account()
    for month, drift in ((1, 0.4), (2, 99.0)):
        row = Reconciliation(
            account_id=account,
            starts_at=shop.now.replace(month=month, day=1),
            ends_at=shop.now.replace(month=month, day=28),
            ours=1_234_567,
            metered=1_234_567,
            invoiced=None,
            drift=drift,
            at=shop.now,
        )
        async with shop.database.control() as connection:
            await set_reconciliation(connection, row)
    async with support.signed_in(StaffRole.BILLING, account) as browser:
        everything = await browser.get("/support/payments/reconciliation")
        assert "99.00 %" in text_of(everything).partition("1,234,567")[2]
        assert "differ" in text_of(everything)
        adrift = text_of(await browser.get("/support/payments/reconciliation?adrift=yes"))
        assert "99.00 %" in adrift
        assert "0.40 %" not in adrift
        assert "99.00 %" in text_of(await browser.get(f"/support/accounts/{account}/payments"))
        assert (await browser.act("/support/payments/reconcile")).status_code == 303
        assert "It is asked for" in text_of(await browser.get("/support/payments/reconciliation"))


async def test_support_may_mark_an_event_and_not_forge_one(support: Support, shop: Shop) -> None:
    """What the login may write of an event says what is wanted, never what Stripe said."""
    event_id = await shop.deliver(strange_event("customer.updated"))
    for column in ("body", "type", "customer_id", "received_at"):
        change = update(stripe_event).where(stripe_event.c.id == event_id).values({column: None})
        with pytest.raises(Exception, match="permission denied"):
            async with support.own.control() as connection:
                await connection.execute(change)
    with pytest.raises(Exception, match="does not ask for this"):
        async with support.own.control() as connection:
            await connection.execute(text("SELECT control.support_defer('send_letter', '{}')"))
