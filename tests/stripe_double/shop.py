"""Something to buy, and someone who buys it."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.stripe_double.server import StripeDouble

METER = "tokens_over_plan"


@dataclass
class Shop:
    double: StripeDouble
    api: Any
    browser: httpx.AsyncClient
    customer: str
    meter: str
    prices: dict[str, str]  # lookup key -> id

    @classmethod
    async def open(cls, double: StripeDouble, api: Any, browser: httpx.AsyncClient) -> "Shop":
        """Sell `starter` at $29 and `growth` at $99 (986 a year), a token over it at 0.01 cents."""
        summed = {"formula": "sum"}
        meter = await api.billing.meters.create_async(
            {"display_name": "Tokens", "event_name": METER, "default_aggregation": summed}
        )
        plain = {"interval": "month"}
        metered = plain | {"usage_type": "metered", "meter": meter.id}
        prices = {
            "starter_monthly": ("2900", plain),
            "growth_monthly": ("9900", plain),
            "growth_yearly": ("98600", {"interval": "year"}),
            "growth_overage": ("0.01", metered),
        }
        made = {}
        for name, (cents, recurring) in prices.items():
            price = await api.prices.create_async(
                {
                    "product_data": {"name": name.partition("_")[0].title()},
                    "currency": "usd",
                    "unit_amount_decimal": cents,
                    "recurring": recurring,
                    "lookup_key": name,
                }
            )
            made[name] = price.id
        customer = await api.customers.create_async({"email": "ada@example.com", "name": "Ada"})
        return cls(double, api, browser, customer.id, meter.id, made)

    async def offer(self, *names: str, **more: Any) -> Any:
        """Give a Checkout session."""
        lines: list[dict[str, Any]] = [
            {"price": self.prices[each]} | ({} if "overage" in each else {"quantity": 1})
            for each in names
        ]
        asked = {
            "mode": "subscription",
            "customer": self.customer,
            "line_items": lines,
            "success_url": "https://console.example/bought?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://console.example/plans",
        }
        return await self.api.checkout.sessions.create_async(asked | more)

    async def click(self, page: str, **form: str) -> httpx.Response:
        return await self.browser.post(page, data=form)

    async def buy(self, *names: str, card: str = "visa", **more: Any) -> str:
        """Give the subscription's id."""
        session = await self.offer(*names, **more)
        answer = await self.click(session.url, card=card)
        assert answer.status_code == 303, answer.text
        done = await self.api.checkout.sessions.retrieve_async(session.id)
        return str(done.subscription)

    async def subscription(self, name: str) -> Any:
        """Give it with its latest invoice."""
        return await self.api.subscriptions.retrieve_async(name, {"expand": ["latest_invoice"]})

    async def item(self, subscription: str, usage: str = "licensed") -> str:
        """Give the id of the item that is paid in this way."""
        held = await self.subscription(subscription)
        found = [each for each in held["items"].data if each.price.recurring.usage_type == usage]
        return str(found[0].id)

    async def use(self, tokens: int, identifier: str) -> None:
        payload = {"stripe_customer_id": self.customer, "value": str(tokens)}
        await self.api.billing.meter_events.create_async(
            {"event_name": METER, "payload": payload, "identifier": identifier}
        )

    def events_since(self, count: int) -> list[str]:
        return [each["type"] for each in self.double.events[count:]]
