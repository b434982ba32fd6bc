"""Billing's background work: events that got lost, books to compare, usage to send, letters."""

import asyncio
from datetime import datetime, timedelta

from control_plane.billing.books import Books
from control_plane.billing.metering import count_all, send_all
from control_plane.billing.notices import tell_thresholds
from control_plane.billing.stripe_gateway import StripeGateway
from control_plane.jobs.periodic import Periodic, keep_running
from shared.runtime.database import Database

_MINUTE, _HOUR = 60.0, 3600.0  # seconds
_AGAIN = timedelta(hours=1)  # that a look for lost events goes back before the last one


async def keep_books(database: Database, stripe: StripeGateway, books: Books) -> None:
    """Run until cancelled. What was missed while Stripe was away is done once it is back."""

    async def take_waiting(now: datetime) -> str:
        taken = await books.take_waiting(now)
        return f"{taken} events taken" if taken else ""

    async def look_after_due(now: datetime) -> str:
        looked_at = await books.look_after_due(now)
        return f"{looked_at} accounts looked at" if looked_at else ""

    async def meter(now: datetime) -> str:
        await count_all(database, now)
        sent = await send_all(database, stripe, now)
        return f"{sent} counts sent" if sent else ""

    kept = [
        Periodic(name="waiting events", every=_MINUTE, work=take_waiting),
        Periodic(name="trials and payments due", every=10 * _MINUTE, work=look_after_due),
        lost_events(books),
        Periodic(name="usage to Stripe", every=_HOUR, work=meter),
        reconciliation(books),
    ]
    async with asyncio.TaskGroup() as group:
        for each in kept:
            group.create_task(keep_running(database, each))


async def tell_of_thresholds(database: Database, console_url: str) -> None:
    """Run until cancelled."""

    async def work(now: datetime) -> str:
        told = await tell_thresholds(database, console_url, now)
        return f"{told} thresholds told of" if told else ""

    await keep_running(database, Periodic(name="thresholds", every=_MINUTE, work=work))


def lost_events(books: Books) -> Periodic:
    """Look as far back as Stripe goes the first time, and then a little before the last look."""
    last: datetime | None = None

    async def look(now: datetime) -> str:
        nonlocal last
        missing = await books.fetch_missing(now, None if last is None else last - _AGAIN)
        last = now
        return f"{missing} events that never arrived" if missing else ""

    return Periodic(name="lost events", every=15 * _MINUTE, work=look)


def reconciliation(books: Books) -> Periodic:
    async def work(now: datetime) -> str:
        done = await books.reconcile(now)
        return (
            f"{done.customers} customers, {len(done.different)} books corrected,"
            f" counts of {len(done.adrift)} adrift"
        )

    return Periodic(name="reconciliation", every=24 * _HOUR, work=work)
