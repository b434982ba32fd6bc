"""Whatever becomes of events, the books end equal to Stripe's (billing.md, faults.md row 16).

A history of an account is made up: it buys, changes, fails to pay, cancels, and time passes. Of the
events each may be lost, come twice, late, in any order, and several at once. Then what was lost is
fetched, or found by comparing; and all is delivered again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from control_plane.billing.repository import subscriptions_of
from control_plane.billing.rules import BillingRefused, current, plan_of
from shared.domain.plan import PAID, Interval, PlanName
from tests.control_plane.billing.shop import OWNER, Shop
from tests.stripe_double.server import run_stripe_double
from tests.support import Installation, opened

_STEPS = ("buy", "trial", "change", "cancel", "reactivate", "days", "decline", "mend", "deliver")
_FATES = ("now", "twice", "late", "lost")

step = st.tuples(st.sampled_from(_STEPS), st.sampled_from(PAID), st.sampled_from(Interval))
history = st.lists(step, min_size=2, max_size=7)
fates = st.lists(st.sampled_from(_FATES), min_size=1, max_size=12)


class Account:
    def __init__(self, shop: Shop, account_id: str, fate_of: list[str], order: Any) -> None:
        self.shop = shop
        self.id = account_id
        self.late: list[Any] = []
        self._fates = fate_of
        self._order = order
        self._seen = 0

    async def step(self, verb: str, plan: PlanName, interval: Interval) -> None:
        billing, now = self.shop.billing, self.shop.now
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "buy": lambda: self.shop.buy(self.id, plan, interval),
            "trial": lambda: billing.start_trial(self.id, OWNER, now),
            "change": lambda: billing.change_plan(self.id, plan, interval, OWNER, now),
            "cancel": lambda: billing.cancel(self.id, OWNER, now),
            "reactivate": lambda: billing.reactivate(self.id, OWNER, now),
            "deliver": self.deliver,
        }
        match verb:
            case "days":
                self.shop.double.advance(days=17)
            case "decline" | "mend":
                self.shop.have_cards("card_declined" if verb == "decline" else None)
                self.shop.pay_open()
            case _:
                with suppress(BillingRefused):  # nothing to change, a declined card, and so on
                    await verbs[verb]()

    async def deliver(self) -> None:
        """Have some of what has happened arrive, in some order, several at once."""
        arriving = self.late
        self.late = []
        for event in self.shop.double.events[self._seen :]:
            self._seen += 1
            match self._fates[self._seen % len(self._fates)]:
                case "now":
                    arriving.append(event)
                case "twice":
                    arriving += [event, event]
                case "late":
                    self.late.append(event)
                case _:
                    pass  # lost
        self._order.shuffle(arriving)
        ids = [await self.shop.deliver(each) for each in arriving]
        await asyncio.gather(*(self.shop.books.take_event(each, self.shop.now) for each in ids))

    async def check(self) -> None:
        assert await self.shop.in_books(self.id) == await self.shop.at_stripe(self.id)
        async with self.shop.database.control() as connection:
            subscription = current(await subscriptions_of(connection, self.id))
        assert await self.shop.plan_of(self.id) is plan_of(subscription, self.shop.now)


@pytest.mark.timeout(280)
def test_the_books_end_equal(
    billed_installation: Installation, catalogue_at_stripe: dict[str, Any]
) -> None:
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=history, fate_of=fates, seed=st.randoms(use_true_random=False))
    def hold(steps: list[Any], fate_of: list[str], seed: Any) -> None:
        asyncio.run(live(billed_installation, catalogue_at_stripe, steps, fate_of, seed))

    hold()


async def live(
    installation: Installation,
    catalogue: dict[str, Any],
    steps: list[Any],
    fate_of: list[str],
    order: Any,
) -> None:
    with run_stripe_double() as double:
        double.store.objects.update(catalogue)
        async with opened(installation.control_url) as database:
            shop = Shop(database, double)
            try:
                await _live(shop, Account(shop, await shop.new_account(), fate_of, order), steps)
            finally:
                await shop.stripe.close()


async def _live(shop: Shop, account: Account, steps: list[Any]) -> None:
    await account.step("buy", PlanName.GROWTH, Interval.MONTHLY)
    for each in steps:
        await account.step(*each)
    await account.deliver()
    await shop.books.fetch_missing(shop.now)  # of thirty days; what is older is compared
    for event_id in await shop.waiting():
        await shop.books.take_event(event_id, shop.now)
    await shop.books.refresh(account.id, shop.now)
    await account.check()
    effects = await shop.in_books(account.id)
    for event in shop.double.events:
        await shop.books.take_event(await shop.deliver(event), shop.now)
    assert await shop.in_books(account.id) == effects
    assert not await shop.books.refresh(account.id, shop.now)
