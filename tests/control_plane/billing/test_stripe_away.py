"""Stripe away for a day (faults.md row 15): nobody loses anything, and it is made up for once."""

from collections import Counter
from datetime import timedelta

import pytest

from control_plane.billing import stripe_gateway
from control_plane.billing.metering import count_all, send_all
from control_plane.billing.stripe_gateway import StripeAway
from shared.domain.plan import PLANS, PlanName
from tests.control_plane.billing.accounts import issue
from tests.control_plane.billing.shop import OWNER, Shop
from tests.stripe_double.faults import Fault
from tests.support import Installation

_HOURS = 24
_INCLUDED = PLANS[PlanName.STARTER].tokens or 0


class Buyer:
    def __init__(self, shop: Shop, installation: Installation, account_id: str) -> None:
        self._shop = shop
        self._installation = installation
        self.id = account_id
        self._issued: Counter[str] = Counter()

    async def begin(self) -> None:
        """Buy a plan, and tokens over it; use up the plan's."""
        await self._shop.buy(self.id, PlanName.STARTER)
        await self._shop.deliver_all()
        await self._shop.billing.set_overage(self.id, 50_00, OWNER, self._shop.now)
        await self.use(_INCLUDED)

    async def use(self, tokens: int) -> None:
        month = f"{self._shop.now:%Y-%m}"
        await issue(self._installation, self.id, month, tokens)
        self._issued[month] += tokens

    @property
    def over(self) -> int:
        """Count the tokens over the plan, month by month."""
        return sum(max(0, tokens - _INCLUDED) for tokens in self._issued.values())


@pytest.mark.timeout(200)
async def test_a_day_without_stripe_costs_nobody_anything(
    shop: Shop, billed_installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = Buyer(shop, billed_installation, await shop.new_account())
    await buyer.begin()
    monkeypatch.setattr(stripe_gateway, "_TRIES_MORE", 0)  # nor wait between them
    impatient = Shop(shop.database, shop.double)
    shop.double.faults.add(Fault(status=500, times=None))
    for hour in range(_HOURS):
        shop.double.advance(days=1 / 24)
        await buyer.use(100 + hour)
        await count_all(shop.database, shop.now)
        with pytest.raises(StripeAway):
            await send_all(shop.database, impatient.stripe, shop.now)
        with pytest.raises(StripeAway):
            await impatient.books.reconcile(shop.now)
    await impatient.stripe.close()
    assert await shop.plan_of(buyer.id) is PlanName.STARTER
    newcomer = await shop.new_account()  # signing up asks nothing of Stripe
    assert await shop.plan_of(newcomer) is PlanName.SANDBOX

    shop.double.faults.clear()
    assert await send_all(shop.database, shop.stripe, shop.now) >= _HOURS
    assert await send_all(shop.database, shop.stripe, shop.now) == 0
    at_stripe = shop.double.store.all("billing.meter_event")
    assert sum(each["_value"] for each in at_stripe) == buyer.over
    await shop.deliver_all()
    await shop.books.take_waiting(shop.now + timedelta(hours=1))
    assert await shop.in_books(buyer.id) == await shop.at_stripe(buyer.id)
