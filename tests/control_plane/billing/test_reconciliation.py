"""Our count of tokens over the plan, Stripe's meter and the invoice: the same, or it is told."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from control_plane.billing.comparisons import Reconciliation, metered_between
from control_plane.billing.metering import count_all, send_all
from control_plane.billing.rules import METER, drift_of
from shared.domain.plan import PLANS, PlanName
from shared.runtime.tables.billing import metered_usage, reconciliation
from tests.control_plane.billing.accounts import issue
from tests.control_plane.billing.shop import OWNER, Shop
from tests.support import Installation

_INCLUDED = PLANS[PlanName.STARTER].tokens or 0


@pytest.fixture
async def buyer(shop: Shop, billed_installation: Installation) -> str:
    """Buy a plan and tokens over it, use 12,000 of those, and have that counted and sent."""
    async with shop.database.control() as connection:
        # of other tests, some of which were ahead of Stripe's clock
        await connection.execute(update(metered_usage).values(sent_at=shop.now))
    account = await shop.new_account()
    await shop.buy(account, PlanName.STARTER)
    await shop.deliver_all()
    await shop.billing.set_overage(account, 50_00, OWNER, shop.now)
    await issue(billed_installation, account, f"{shop.now:%Y-%m}", _INCLUDED + 12_000)
    await count_all(shop.database, shop.now)
    await send_all(shop.database, shop.stripe, shop.now)
    return account


async def found(shop: Shop, account: str) -> list[Reconciliation]:
    async with shop.database.control() as connection:
        rows = await connection.execute(
            select(reconciliation)
            .where(reconciliation.c.account_id == account)
            .order_by(reconciliation.c.starts_at)
        )
        return [Reconciliation(**{str(k): v for k, v in row.items()}) for row in rows.mappings()]


async def test_all_three_are_the_same_in_the_open_period_and_once_it_is_invoiced(
    shop: Shop, buyer: str
) -> None:
    shop.double.advance(days=1)
    assert buyer not in (await shop.books.reconcile(shop.now)).adrift
    (period,) = await found(shop, buyer)
    assert (period.ours, period.metered, period.invoiced) == (12_000, 12_000, None)
    shop.double.advance(days=32)
    await shop.deliver_all()
    await shop.books.reconcile_account(buyer, shop.now)
    first, second = await found(shop, buyer)
    assert (first.ours, first.metered, first.invoiced) == (12_000, 12_000, 12_000)
    assert (second.ours, second.metered, second.drift) == (0, 0, 0.0)


async def test_what_stripe_lost_or_has_too_many_of_is_told(
    shop: Shop, buyer: str, caplog: pytest.LogCaptureFixture
) -> None:
    shop.double.advance(days=1)
    with shop.double.lock:
        (event,) = [
            each
            for each in shop.double.store.all("billing.meter_event")
            if each["_value"] == 12_000
        ]
        event["_value"] = 11_000
    with caplog.at_level(logging.WARNING, "control_plane"):
        assert buyer in (await shop.books.reconcile(shop.now)).adrift
    (period,) = await found(shop, buyer)
    assert (period.ours, period.metered) == (12_000, 11_000)
    assert round(period.drift, 2) == 8.33
    assert "a count is adrift" in caplog.text


async def test_what_was_just_sent_is_not_compared_before_stripe_has_summed_it_up(
    shop: Shop, buyer: str
) -> None:
    await shop.books.reconcile_account(buyer, shop.now)
    assert all(each.ours == each.metered == 0 for each in await found(shop, buyer))


async def test_nothing_is_asked_about_who_uses_nothing_over_the_plan(shop: Shop) -> None:
    account = await shop.new_account()
    await shop.buy(account)
    await shop.deliver_all()
    await shop.books.reconcile_account(account, shop.now)
    assert await found(shop, account) == []
    assert not [path for _, path in shop.double.calls if "event_summaries" in path]


async def test_a_meter_is_summed_up_by_whole_minutes(shop: Shop, buyer: str) -> None:
    async with shop.database.control() as connection:
        until = shop.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        ours = await metered_between(connection, buyer, until - timedelta(days=1), until)
    meter = next(each for each in await shop.stripe.meters() if each["event_name"] == METER)
    customers = {each["id"] for each in shop.double.store.all("customer")}
    sums = [
        await shop.stripe.metered(str(meter["id"]), each, until - timedelta(days=1), until)
        for each in customers
    ]
    assert ours == sum(sums) == 12_000


@pytest.mark.parametrize(
    ("ours", "metered", "invoiced", "drift"),
    [(0, 0, None, 0), (0, 5, None, 100), (1000, 995, None, 0.5), (1000, 1000, 900, 10)],
)
def test_drift_is_of_the_greatest(
    ours: int, metered: int, invoiced: int | None, drift: float
) -> None:
    assert drift_of(ours, metered, invoiced) == pytest.approx(drift)
