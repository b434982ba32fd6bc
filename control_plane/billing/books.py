"""Our books of what Stripe has: brought up to date by asking Stripe, never by what an event says.

An event only tells that something of a customer has changed. All that the customer has is then
asked for and written under a lock, so that order, repetition and loss of events do not matter.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.actions import change_plan, publish_limits
from control_plane.accounts.repository import find_limits
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import BY_SCHEDULE, Noted, differing
from control_plane.billing import records, repository
from control_plane.billing.events import CHECKOUT, OF_CUSTOMERS, about
from control_plane.billing.letters import WARNED_BEFORE
from control_plane.billing.metering import agree, count
from control_plane.billing.notices import tell_of
from control_plane.billing.reconciliation import Meter, compare, find_meter
from control_plane.billing.records import EventRow, ReceivedEvent
from control_plane.billing.repository import CustomerRow
from control_plane.billing.rules import (
    ALERT,
    BillingRefused,
    Invoice,
    Subscription,
    booked,
    booked_invoice,
    current,
    governs,
    plan_of,
    superseded,
)
from control_plane.billing.seen import Schedule
from control_plane.billing.stripe_gateway import StripeAway, StripeGateway
from control_plane.mail.actions import queue_job
from shared.domain.plan import PlanName
from shared.runtime.database import DATABASE_TROUBLE, Database, cause_of
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

QUEUE = "billing"
TAKE_EVENT, FETCH_MISSING = "take_stripe_event", "fetch_missing_stripe_events"
RECONCILE = "reconcile_billing"

_PIECE = 100
_KEPT_AT_STRIPE = timedelta(days=30)
_QUEUE_HAS_HAD_IT = timedelta(minutes=1)


async def store_event(connection: AsyncConnection, event: ReceivedEvent) -> bool:
    """Store it and queue its handling, once for each id; tell whether it is new."""
    whose = structs.replace(event, customer_id=about(event.body).customer_id)
    new = await records.add_event(connection, whose)
    if new:
        await queue_job(connection, QUEUE, TAKE_EVENT, {"event_id": event.id})
    return new


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    customers: int
    different: list[str]  # accounts whose books were corrected
    adrift: list[str]  # accounts of which the counts differ by more than they may


class Books:
    """All its methods raise as the gateway does, and leave the books whole then."""

    def __init__(self, database: Database, stripe: StripeGateway, console_url: str) -> None:
        self._database = database
        self._stripe = stripe
        self._console_url = console_url

    async def take_event(self, event_id: str, now: datetime) -> str:
        """Do what the stored event asks for, once; give what came of it."""
        async with self._database.control() as connection:
            event = await records.find_event(connection, event_id)
        if event is None or event.is_done:
            return "handled before"
        try:
            outcome = await self._take(event, now)
        except (BillingRefused, *DATABASE_TROUBLE) as error:
            with suppress(*DATABASE_TROUBLE):
                async with self._database.control() as connection:
                    await records.set_error(connection, event_id, cause_of(error))
            raise
        async with self._database.control() as connection:
            await records.set_outcome(connection, event_id, outcome, now)
        return outcome

    async def take_waiting(self, now: datetime) -> int:
        """Take the events that the queue has given up; give how many. One holds up no other."""
        async with self._database.control() as connection:
            waiting = await records.unhandled_events(connection, now - _QUEUE_HAS_HAD_IT, _PIECE)
        taken = 0
        for event_id in waiting:
            try:
                await self.take_event(event_id, now)
                taken += 1
            except StripeAway:
                raise
            except BillingRefused:
                continue
        return taken

    async def refresh(
        self, account_id: str, now: datetime, known_at: datetime | None = None
    ) -> bool:
        """Write down all that Stripe has of the account; tell whether the books had it otherwise.

        Nothing is asked where the books are from after `known_at`, by the database's clock.
        Raises BillingRefused where the account is no customer.
        """
        async with self._database.control() as connection:
            customer = await repository.lock_customer(connection, account_id)
            if customer is None:
                raise BillingRefused("the account has never bought anything")
            if known_at and customer.refreshed_at and customer.refreshed_at > known_at:
                return False
            held = await repository.subscriptions_of(connection, account_id)
            subscriptions = await self._asked(customer, held, now)
            changed = await self._write(connection, customer, held, subscriptions)
            moved = await self._give(
                connection, customer, plan_of(current(subscriptions), now), now
            )
            for each in subscriptions:
                await tell_of(connection, each, self._console_url, now)
            changes = customer.changes + changed
            await repository.set_refreshed(
                connection, account_id, customer.locked_at, changes=changes
            )
        if moved:
            await publish_limits(self._database, account_id)
        for each in superseded(subscriptions):
            await self._stripe.end_subscription(each.id, f"superseded-{each.id}")
        return changed

    async def reconcile(self, now: datetime) -> Reconciled:
        """Have the books of every customer say what Stripe says, and compare the counts."""
        looked_at, different, adrift, after = 0, list[str](), list[str](), ""
        meter = await find_meter(self._stripe)
        while page := await self._customers(after):
            for account_id in page:
                if await self.refresh(account_id, now):
                    different.append(account_id)
                if meter and await self._compare(meter, account_id, now) > ALERT:
                    adrift.append(account_id)
            looked_at += len(page)
            after = page[-1]
        if different:
            _log.warning("books were different from Stripe's", extra=fields(accounts=different))
        return Reconciled(customers=looked_at, different=different, adrift=adrift)

    async def reconcile_account(self, account_id: str, now: datetime) -> None:
        """Do the same for one customer. Raises BillingRefused where it is none."""
        await self.refresh(account_id, now)
        meter = await find_meter(self._stripe)
        if meter:
            await self._compare(meter, account_id, now)

    async def fetch_missing(self, now: datetime, since: datetime | None = None) -> int:
        """Store the events that never arrived, as far back as Stripe keeps them; give how many."""
        first = since or now - _KEPT_AT_STRIPE
        listed = [each async for each in self._stripe.events_since(int(first.timestamp()))]
        missing = 0
        for event in reversed(listed):  # the oldest first
            received = ReceivedEvent(
                id=event.id,
                type=event.type,
                livemode=event.livemode,
                body=event.body,
                fetched=True,
            )
            async with self._database.control() as connection:
                missing += await store_event(connection, received)
        return missing

    async def look_after_due(self, now: datetime) -> int:
        """Refresh accounts whose trial ends soon or where a payment is due; give how many."""
        looked_at, after = 0, ""
        while True:
            async with self._database.control() as connection:
                page = await repository.accounts_to_watch(
                    connection, now + WARNED_BEFORE, after, _PIECE
                )
            for account_id in page:
                await self.refresh(account_id, now)
            looked_at += len(page)
            if len(page) < _PIECE:
                return looked_at
            after = page[-1]

    async def _take(self, event: EventRow, now: datetime) -> str:
        if event.livemode is not self._stripe.is_live:
            return _alert(event, "of the other mode")
        if not event.type.startswith(OF_CUSTOMERS):
            return "ignored"
        account_id = await self._account_of(event)
        if account_id is None:
            return _alert(event, "of nobody we know")
        await self.refresh(account_id, now, event.known_at)
        return "taken"

    async def _account_of(self, event: EventRow) -> str | None:
        async with self._database.control() as connection:
            customer = await repository.customer_named(connection, event.customer_id or "")
            if customer is None or not event.type.startswith(CHECKOUT):
                return customer.account_id if customer else None
            # a purchase is bound by the session that we stored, and by nothing that it says
            session = about(event.body)
            bound = await repository.account_of_checkout(connection, session.id)
        return bound if bound == customer.account_id else None

    async def _asked(
        self, customer: CustomerRow, held: Sequence[Subscription], now: datetime
    ) -> list[Subscription]:
        seen = await self._stripe.subscriptions_of(customer.customer_id)
        scheduled = any(isinstance(each.schedule, Schedule) for each in seen)
        prices = {each.id: each for each in await self._stripe.prices()} if scheduled else {}
        before = {each.id: each for each in held}
        found = [
            booked(each, customer.account_id, before.get(each.id), now, prices) for each in seen
        ]
        for each in found:
            if each.plan is None and not each.is_over:
                _log.error("a subscription of no price of ours", extra=fields(subscription=each.id))
        return found

    async def _write(
        self,
        connection: AsyncConnection,
        customer: CustomerRow,
        held: Sequence[Subscription],
        subscriptions: Sequence[Subscription],
    ) -> bool:
        account_id = customer.account_id
        invoices = [
            booked_invoice(each, account_id)
            for each in await self._stripe.invoices_of(customer.customer_id)
        ]
        kept = await repository.invoices_of(connection, account_id)
        await repository.set_subscriptions(connection, subscriptions)
        await repository.set_invoices(connection, account_id, invoices)
        before, after = _facts(held), _facts(subscriptions)
        if before != after:
            was, is_now = differing(before, after)
            noted = Noted("billing.subscription", f"account {account_id}", was, is_now)
            await record_of_account(connection, account_id, BY_SCHEDULE, noted)
        return before != after or _by_id(kept) != _by_id(invoices)

    async def _give(
        self, connection: AsyncConnection, customer: CustomerRow, plan: PlanName, now: datetime
    ) -> bool:
        """Make it the account's plan, unless the operator has set another; say if it moved."""
        account_id = customer.account_id
        held = await find_limits(connection, account_id)
        if held is None or not governs(held.plan, customer.given_plan):
            return False
        if held.plan is not plan:
            await count(connection, account_id, now)
            await change_plan(connection, account_id, plan, BY_SCHEDULE)
            await agree(connection, account_id, now)
        await repository.set_given_plan(connection, account_id, plan)
        return held.plan is not plan

    async def _compare(self, meter: Meter, account_id: str, now: datetime) -> float:
        return await compare(self._database, self._stripe, meter, account_id, now)

    async def _customers(self, after: str) -> list[str]:
        async with self._database.control() as connection:
            return await repository.list_customers(connection, after, _PIECE)


def _alert(event: EventRow, what: str) -> str:
    told = fields(stripe_event=event.id, type=event.type, what=what)
    _log.error("alert: an event of Stripe's without effect", extra=told)
    return f"no effect: {what}"


def _facts(subscriptions: Sequence[Subscription]) -> dict[str, object]:
    return {each.id: msgspec.to_builtins(each) for each in subscriptions}


def _by_id(invoices: Sequence[Invoice]) -> dict[str, Invoice]:
    return {each.id: each for each in invoices}
