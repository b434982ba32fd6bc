"""The billing pages by our books alone: here nothing is sold, and what is held is shown."""

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.accounts.actions import set_plan
from control_plane.billing import repository
from control_plane.billing.rules import Invoice, Subscription
from control_plane.billing.seen import Status
from control_plane.members.rules import Role
from shared.domain.plan import Interval, PlanName
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import make_site
from tests.control_plane.console import Console, make_account, text_of

PAGES = ("/billing", "/billing/plans", "/billing/overage", "/billing/invoices")


def now() -> datetime:
    return datetime.now(UTC)


async def holds(database: Database, account: str, **more: object) -> None:
    """Have the books say that it pays for Growth."""
    facts: dict[str, object] = {
        "id": f"sub_{account}",
        "account_id": account,
        "status": Status.ACTIVE,
        "plan": PlanName.GROWTH,
        "interval": Interval.MONTHLY,
        "created_at": now() - timedelta(days=40),
        "period_start": now() - timedelta(days=10),
        "period_end": datetime(2031, 1, 20, tzinfo=UTC),
        "cancel_at_period_end": False,
    }
    async with database.control() as connection:
        await repository.add_customer(connection, account, f"cus_{account}")
        await repository.set_given_plan(connection, account, PlanName.GROWTH)
        held = Subscription(**(facts | more))  # type: ignore[arg-type]
        await repository.set_subscriptions(connection, [held])
    await set_plan(database, account, PlanName.GROWTH)


async def is_invoiced(database: Database, account: str, **more: object) -> None:
    facts: dict[str, object] = {
        "id": f"in_{account}",
        "account_id": account,
        "number": "ACME-0001",
        "status": "paid",
        "currency": "usd",
        "total": 99_00,
        "amount_due": 99_00,
        "created_at": datetime(2026, 11, 3, tzinfo=UTC),
        "period_start": datetime(2026, 11, 3, tzinfo=UTC),
        "period_end": datetime(2026, 12, 3, tzinfo=UTC),
        "hosted_url": "https://invoice.stripe.com/i/1",
        "pdf_url": "https://pay.stripe.com/invoice/1/pdf",
        "attempts": 1,
        "next_attempt_at": None,
    }
    invoice = Invoice(**(facts | more))  # type: ignore[arg-type]
    async with database.control() as connection:
        await repository.set_invoices(connection, account, [invoice])


async def test_two_invoices_of_one_second_are_told_apart_by_their_numbers(
    database: Database,
) -> None:
    account = await make_account(database)
    numbers = ("ACME-0002", "ACME-0001", "ACME-0003", None)
    for place, number in enumerate(numbers):  # Stripe's ids are in no order
        draft = {"status": "draft"} if number is None else {}
        await is_invoiced(database, account, id=f"in_{place}_{account}", number=number, **draft)
    async with database.control() as connection:
        newest_first = await repository.invoices_of(connection, account)
    expected = [None, "ACME-0003", "ACME-0002", "ACME-0001"]
    assert [each.number for each in newest_first] == expected


async def test_where_nothing_is_sold_each_page_says_so_and_shows_what_there_is(
    console: Console, database: Database
) -> None:
    site = await make_site(console, database)
    async with site.browser() as browser:
        for path in PAGES:
            page = await browser.get(path)
            assert page.status_code == 200
            assert "Billing is not set up here" in page.text
            assert "STRIPE_API_KEY" in page.text
            assert "Start the trial" not in page.text
        assert "Clients 1 of 100" in text_of(await browser.get("/billing"))
        for path in ("/billing/plans/scale", "/billing/portal", "/billing/trial", "/billing/keep"):
            refused = await browser.post(path)
            assert refused.status_code == 422
            assert 'role="alert"' in refused.text
        assert (await browser.get("/billing/plans/operator")).status_code == 404
        assert 'href="/billing/plans/scale?pay=monthly"' in (await browser.get(PAGES[1])).text
        terms = text_of(await browser.get("/billing/plans/scale"))
        assert "Clients 100 500" in terms
        assert "Go to checkout" not in terms


async def test_the_table_has_all_plans_by_month_and_by_year(
    console: Console, database: Database
) -> None:
    async with console.signed_in(await make_account(database)) as browser:
        monthly = text_of(await browser.get("/billing/plans"))
        for words in ("Growth $99 a month", "Business $500 a month", "$0.25 per 1,000"):
            assert words in monthly
        assert "Growth $986 a year" in text_of(await browser.get("/billing/plans?pay=yearly"))
        assert "Growth $99 a month" in text_of(await browser.get("/billing/plans?pay=weekly"))


async def test_a_subscription_is_told_with_what_is_to_come(
    console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with console.signed_in(account) as browser:
        await holds(database, account)
        page = text_of(await browser.get("/billing"))
        assert "Price $99 a month Renews 2031-01-20" in page
        await holds(database, account, cancel_at_period_end=True)
        page = text_of(await browser.get("/billing"))
        assert "Ends 2031-01-20 : then it is Sandbox" in page
        coming = {"scheduled_plan": PlanName.STARTER, "scheduled_interval": Interval.YEARLY}
        await holds(database, account, **coming)
        page = text_of(await browser.get("/billing/plans"))
        assert "On 2031-01-20 the plan becomes Starter, paid yearly" in page
        trial = {"status": Status.TRIALING, "trial_end": datetime(2031, 1, 20, tzinfo=UTC)}
        await holds(database, account, **trial)
        assert "free until 2031-01-20" in text_of(await browser.get("/billing"))


async def test_a_plan_by_agreement_is_not_for_sale(console: Console, database: Database) -> None:
    async with console.signed_in(await make_account(database, PlanName.SCALE)) as browser:
        page = text_of(await browser.get("/billing/plans"))
        assert "by agreement" in page
        assert "Scale Yours" in page


async def test_invoices_are_listed_with_their_documents(
    console: Console, database: Database
) -> None:
    account = await make_account(database)
    async with console.signed_in(account, Role.BILLING) as browser:
        assert "No invoice yet" in (await browser.get("/billing/invoices")).text
        await holds(database, account)
        await is_invoiced(database, account)
        page = await browser.get("/billing/invoices")
        assert 'href="https://pay.stripe.com/invoice/1/pdf"' in page.text
        assert "ACME-0001 2026-11-03 2026-11-03 to 2026-12-03 $99 Paid" in text_of(page)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (timedelta(days=2), "Your plan goes on until"),
        (timedelta(days=15), "The account has the limits of Sandbox until it is paid"),
    ],
)
async def test_a_payment_that_failed_is_on_every_page_of_who_sees_billing(
    console: Console, database: Database, since: timedelta, said: str
) -> None:
    account = await make_account(database)
    await holds(database, account, status=Status.PAST_DUE, past_due_since=now() - since)
    await is_invoiced(
        database, account, status="open", next_attempt_at=datetime(2031, 1, 5, tzinfo=UTC)
    )
    async with console.signed_in(account, Role.OWNER) as owner:
        for path in ("/billing", "/tenants", "/you"):
            page = text_of(await owner.get(path))
            assert "A payment failed. The next try is on 2031-01-05" in page
            assert said in page
            assert "Mend the payment" in page
        assert "Payment failed" in (await owner.get("/billing/invoices")).text
    async with console.signed_in(account, Role.ADMIN) as admin:
        page = text_of(await admin.get("/tenants"))
        assert "A payment failed" in page
        assert "Mend the payment" not in page
    async with console.signed_in(account, Role.DEVELOPER) as developer:
        assert "A payment failed" not in (await developer.get("/tenants")).text
    other = await make_account(database)
    async with console.signed_in(other) as stranger:
        assert "A payment failed" not in (await stranger.get("/billing")).text


async def test_the_menu_has_billing_for_who_may_see_it_and_a_full_plan_leads_there(
    console: Console, database: Database
) -> None:
    account = await make_account(database)
    link = 'href="/billing"'
    async with console.signed_in(account, Role.BILLING) as browser:
        page = await browser.get("/billing")
        assert link in page.text
        assert "/team" not in page.text
    async with console.signed_in(account, Role.DEVELOPER) as browser:
        assert link not in (await browser.get("/tenants")).text
    async with console.signed_in(account) as browser:
        for slug, status in ((f"{account[2:]}-one", 200), (f"{account[2:]}-two", 409)):
            answer = await browser.post("/start/another", slug=slug)
            assert answer.status_code == status
        assert 'href="/billing/plans"' in answer.text
