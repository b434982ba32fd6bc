"""Our books beside the double of Stripe: what people do there, and what arrives of it here."""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import select

from control_plane.audit.rules import Actor, ActorKind
from control_plane.billing import records, repository
from control_plane.billing.actions import Billing
from control_plane.billing.books import Books, store_event
from control_plane.billing.records import ReceivedEvent
from control_plane.billing.rules import Invoice, Subscription, current
from control_plane.billing.stripe_gateway import StripeGateway
from shared.domain.plan import Interval, PlanName
from shared.runtime.database import Database
from shared.runtime.tables.billing import stripe_event
from shared.runtime.tables.control import account
from tests.control_plane.console import make_account
from tests.stripe_double import checkout, invoices
from tests.stripe_double.server import StripeDouble

OWNER = Actor(kind=ActorKind.PERSON, id="p_owner", email="owner@example.com")
_URL = "https://console.test"


class Shop:
    def __init__(self, database: Database, double: StripeDouble) -> None:
        self.database = database
        self.double = double
        self.stripe = StripeGateway(double.key, double.url)
        self.books = Books(database, self.stripe, _URL)
        self.billing = Billing(database, self.stripe, _URL)

    @property
    def now(self) -> datetime:
        """The time by the double's clock."""
        return datetime.fromtimestamp(self.double.store.clock.now(), UTC)

    async def new_account(self) -> str:
        return await make_account(self.database)

    async def buy(
        self,
        account_id: str,
        plan: PlanName = PlanName.GROWTH,
        interval: Interval = Interval.MONTHLY,
    ) -> None:
        """Go to Checkout and pay there; what it delivers is left where it is."""
        url = await self.billing.begin_checkout(account_id, plan, interval, OWNER, self.now)
        self.pay(url)

    def pay(self, url: str) -> None:
        with self.double.lock:
            session = self.double.store.get("checkout.session", url.rpartition("/")[2])
            checkout.complete(self.double.store, session, "visa", {})

    def have_cards(self, outcome: str | None) -> None:
        """Have every card of every customer end a payment so; None: it is paid."""
        with self.double.lock:
            for each in self.double.store.all("payment_method"):
                each["_outcome"] = outcome

    def pay_open(self) -> None:
        """Pay what is open, as the customer does on the page of the invoice."""
        with self.double.lock:
            for each in self.double.store.all("invoice"):
                if each["status"] == "open":
                    invoices.pay(self.double.store, each)

    async def deliver(self, event: Any) -> str:
        """Store the event as the webhook does; give its id."""
        received = ReceivedEvent(
            id=event["id"],
            type=event["type"],
            livemode=event["livemode"],
            body=msgspec.json.encode(event, enc_hook=str).decode(),
        )
        async with self.database.control() as connection:
            await store_event(connection, received)
        return received.id

    async def deliver_all(self) -> list[str]:
        """Deliver and take what was not delivered, in its order; give what came of each."""
        outcomes = []
        for event in self.double.deliveries.pending():
            outcomes.append(await self.books.take_event(await self.deliver(event), self.now))
            self.double.store.undelivered.discard(event["id"])
        return outcomes

    async def plan_of(self, account_id: str) -> PlanName:
        async with self.database.control() as connection:
            found = await connection.scalar(
                select(account.c.plan).where(account.c.id == account_id)
            )
        return PlanName(str(found))

    async def held(self, account_id: str) -> Subscription | None:
        async with self.database.control() as connection:
            return current(await repository.subscriptions_of(connection, account_id))

    async def invoices(self, account_id: str) -> list[Invoice]:
        async with self.database.control() as connection:
            return await repository.invoices_of(connection, account_id)

    async def outcome_of(self, event_id: str) -> str | None:
        async with self.database.control() as connection:
            return await connection.scalar(
                select(stripe_event.c.outcome).where(stripe_event.c.id == event_id)
            )

    async def waiting(self) -> list[str]:
        async with self.database.control() as connection:
            return await records.unhandled_events(
                connection, datetime.max.replace(tzinfo=UTC), 9999
            )

    async def in_books(self, account_id: str) -> dict[str, tuple[Any, ...]]:
        """Give what the books say, in the form of `at_stripe`."""
        async with self.database.control() as connection:
            subscriptions = await repository.subscriptions_of(connection, account_id)
            billed = await repository.invoices_of(connection, account_id, 1000)
        found: dict[str, tuple[Any, ...]] = {
            each.id: (str(each.status), each.plan, each.cancel_at_period_end)
            for each in subscriptions
        }
        return found | {each.id: (each.status, each.total, each.number) for each in billed}

    async def at_stripe(self, account_id: str) -> dict[str, tuple[Any, ...]]:
        """Give what the double says."""
        async with self.database.control() as connection:
            customer = await repository.find_customer(connection, account_id)
        assert customer is not None
        found: dict[str, tuple[Any, ...]] = {}
        with self.double.lock:
            for each in self.double.store.all("subscription"):
                if each["customer"] == customer.customer_id:
                    plan = each["items"]["data"][0]["price"]["metadata"]["auth_service_plan"]
                    found[each["id"]] = (each["status"], plan, each["cancel_at_period_end"])
            for each in self.double.store.all("invoice"):
                if each["customer"] == customer.customer_id:
                    found[each["id"]] = (each["status"], each["total"], each["number"])
        return found


def strange_event(kind: str, **changed: Any) -> dict[str, Any]:
    """Make an event that is not of the double's telling."""
    about = {"id": f"sub_{token_hex(4)}", "object": "subscription", "customer": "cus_of_nobody"}
    event = {
        "id": f"evt_{token_hex(8)}",
        "type": kind,
        "livemode": False,
        "data": {"object": about},
    }
    return event | changed
