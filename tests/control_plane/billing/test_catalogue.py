"""What is sold is at Stripe once, by its name; another amount is another price of that name."""

from types import MappingProxyType

import msgspec
import pytest

from control_plane.billing import catalogue
from control_plane.billing.catalogue import find_prices, sync
from control_plane.billing.rules import BillingRefused, bought_by
from control_plane.billing.stripe_gateway import StripeGateway
from shared.domain.plan import PAID, PLANS, Interval, PlanName
from tests.control_plane.billing.shop import Shop
from tests.stripe_double.server import run_stripe_double


async def test_a_first_run_creates_all_and_a_second_one_leaves_it(shop: Shop) -> None:
    again = await sync(shop.stripe)
    assert {each.outcome for each in again} == {"left"}
    assert len(again) == len(PAID) + 1 + 3 * len(PAID)
    prices = await find_prices(shop.stripe)
    assert prices["growth_yearly_v1"].unit_amount_decimal == 986_00
    assert prices["growth_overage_v1"].is_metered
    assert bought_by(prices["scale_monthly_v1"]) == (PlanName.SCALE, Interval.MONTHLY)


async def test_another_amount_is_a_new_price_that_takes_over_the_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await find_prices(shop.stripe)
    dearer = msgspec.structs.replace(PLANS[PlanName.GROWTH], price=109_00)
    changed = MappingProxyType({**PLANS, PlanName.GROWTH: dearer})
    monkeypatch.setattr(catalogue, "PLANS", changed)
    done = {each.what: each.outcome for each in await sync(shop.stripe) if each.outcome != "left"}
    old = before["growth_monthly_v1"].id
    assert set(done) == {"price growth_monthly_v1", "price growth_yearly_v1"}
    assert old in done["price growth_monthly_v1"]
    after = await find_prices(shop.stripe)
    assert after["growth_monthly_v1"].unit_amount_decimal == 109_00
    kept = next(each for each in await shop.stripe.prices() if each.id == old)
    assert bought_by(kept) == (PlanName.GROWTH, Interval.MONTHLY)  # for those who pay it still


async def test_a_run_that_was_cut_off_goes_on_where_it_ended() -> None:
    with run_stripe_double() as double:
        stripe = StripeGateway(double.key, double.url)
        try:
            with pytest.raises(BillingRefused, match="stripe sync"):
                await find_prices(stripe)
            await stripe.add_product({"id": "auth_service_growth", "name": "growth"}, "by-hand")
            done = {each.what: each.outcome for each in await sync(stripe)}
        finally:
            await stripe.close()
    assert done["product auth_service_growth"] == "changed"
    assert done["product auth_service_scale"] == "created"
