"""Having the books take an event again, look for lost ones, and compare counts (C6, C7).

Support marks and asks; the jobs, which alone know Stripe's key, do it.
"""

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.repository import find_limits
from control_plane.billing import repository as books
from control_plane.billing.books import FETCH_MISSING, RECONCILE, TAKE_EVENT
from control_plane.billing.comparisons import Reconciliation
from control_plane.billing.repository import CustomerRow
from control_plane.billing.rules import Invoice, Subscription, current
from control_plane.support.payments import repository
from control_plane.support.payments.repository import Sought
from control_plane.support.payments.rules import ListedEvent, PaymentsRefused, ShownEvent
from control_plane.support.shown import Act, defer
from control_plane.support.work.repository import find_run, waiting_jobs
from control_plane.support.work.rules import PeriodicRun
from shared.domain.plan import PlanName
from shared.runtime.database import Database

_LATEST = 10  # events and invoices of an account that its page shows
LOST_EVENTS, RECONCILIATION = "lost events", "reconciliation"  # as the jobs name them


class Payments(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has paid, as our books have it, and what the data plane is to let it do."""

    plan: PlanName
    customer: CustomerRow | None
    subscription: Subscription | None
    invoices: list[Invoice]
    drifts: list[Reconciliation]
    events: list[ListedEvent]
    comparing: bool  # a comparison of ours waits or runs

    @property
    def is_right(self) -> bool:
        """Tell whether the plan is what billing gave it."""
        given = self.customer.given_plan if self.customer else None
        return self.plan is (given or PlanName.SANDBOX)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """How the work that a page asks for stands."""

    last: PeriodicRun | None
    waits: bool  # asked for, and not done


async def payments_of(database: Database, account_id: str) -> Payments | None:
    """None: there is no such account."""
    async with database.control() as connection:
        limits = await find_limits(connection, account_id)
        if limits is None:
            return None
        return Payments(
            plan=limits.plan,
            customer=await books.find_customer(connection, account_id),
            subscription=current(await books.subscriptions_of(connection, account_id)),
            invoices=await books.invoices_of(connection, account_id, _LATEST),
            drifts=await repository.drifts_of(connection, account_id),
            events=await repository.list_events(
                connection, Sought(account=account_id), before="", limit=_LATEST
            ),
            comparing=await waiting_jobs(connection, RECONCILE) > 0,
        )


async def how_stands(database: Database, task: str, name: str) -> Looked:
    """Tell when the periodic work was last done, and whether it is asked for."""
    async with database.control() as connection:
        return Looked(
            last=await find_run(connection, name),
            waits=await waiting_jobs(connection, task) > 0,
        )


async def replay(database: Database, act: Act, event_id: str, account_id: str | None) -> None:
    """Have the books take it again. What it is about is asked anew, so twice does no harm.

    Raises PaymentsRefused where it is not the account's, or is ignored.
    """
    async with database.control() as connection:
        event = await _found(connection, event_id, account_id)
        if event.is_ignored_by_staff:
            raise PaymentsRefused("it is ignored: heed it first")
        await repository.set_waiting(connection, event_id)
        await _note(connection, act, event, "stripe_event.replay")
        await defer(connection, TAKE_EVENT, {"event_id": event_id})


async def ignore(database: Database, act: Act, event_id: str, account_id: str | None) -> None:
    """Have nothing come of it. Raises PaymentsRefused where something has, or it is not theirs."""
    async with database.control() as connection:
        event = await _found(connection, event_id, account_id)
        if event.handled_at is not None:
            raise PaymentsRefused("it is handled: there is nothing to ignore")
        await repository.set_ignored(connection, event_id, act.by.email, act.why.reason)
        await _note(connection, act, event, "stripe_event.ignore")


async def heed(database: Database, act: Act, event_id: str, account_id: str | None) -> None:
    """Have it be taken after all. Raises PaymentsRefused where it is not ignored, or not theirs."""
    async with database.control() as connection:
        event = await _found(connection, event_id, account_id)
        if not event.is_ignored_by_staff:
            raise PaymentsRefused("it is not ignored")
        await repository.set_heeded(connection, event_id)
        await _note(connection, act, event, "stripe_event.heed")
        await defer(connection, TAKE_EVENT, {"event_id": event_id})


async def fetch_missing(database: Database, act: Act) -> None:
    """Have the jobs look for what Stripe told and we never got."""
    async with database.control() as connection:
        await act.note(connection, "stripe_events.fetch_missing", "all accounts")
        await defer(connection, FETCH_MISSING, {})


async def reconcile(database: Database, act: Act) -> None:
    """Have the jobs compare the books and counts of all customers."""
    async with database.control() as connection:
        await act.note(connection, "billing.reconcile", "all accounts")
        await defer(connection, RECONCILE, {})


async def reconcile_account(database: Database, act: Act, account_id: str) -> None:
    """Have the jobs ask Stripe about one. Raises PaymentsRefused where it is no customer."""
    async with database.control() as connection:
        if await books.find_customer(connection, account_id) is None:
            raise PaymentsRefused("the account has never bought anything")
        target = f"account {account_id}"
        await act.note_both(connection, account_id, "billing.reconcile", target)
        await defer(connection, RECONCILE, {"account_id": account_id})


async def _found(connection: AsyncConnection, event_id: str, account_id: str | None) -> ShownEvent:
    event = await repository.show_event(connection, event_id)
    if event is None or event.account_id != account_id:
        raise PaymentsRefused("there is no such event")
    return event


async def _note(connection: AsyncConnection, act: Act, event: ShownEvent, action: str) -> None:
    """Record it for us, and for the customer where it is about one."""
    target, facts = f"event {event.id}", {"type": event.type, "state": event.state}
    if event.account_id is None:
        await act.note(connection, action, target, before=facts)
    else:
        await act.note_both(connection, event.account_id, action, target, before=facts)
