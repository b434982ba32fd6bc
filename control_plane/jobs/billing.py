"""Billing's background work: events that got lost, books to compare, usage to send, letters."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from control_plane.billing.books import Books
from control_plane.billing.metering import count_all, send_all
from control_plane.billing.notices import tell_thresholds
from control_plane.billing.rules import BillingRefused
from control_plane.billing.stripe_gateway import StripeGateway
from shared.runtime.database import DATABASE_TROUBLE, Database
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_MINUTE, _HOUR = 60.0, 3600.0  # seconds
_RETRY = 30.0  # seconds
_AGAIN = timedelta(hours=1)  # that a look for lost events goes back before the last one

Work = Callable[[datetime], Awaitable[object]]


async def keep_books(database: Database, stripe: StripeGateway, books: Books) -> None:
    """Run until cancelled. What was missed while Stripe was away is done once it is back."""

    async def meter(now: datetime) -> None:
        await count_all(database, now)
        await send_all(database, stripe, now)

    async with asyncio.TaskGroup() as group:
        group.create_task(_every(_MINUTE, "waiting events", books.take_waiting))
        group.create_task(_every(10 * _MINUTE, "trials and payments due", books.look_after_due))
        group.create_task(_every(15 * _MINUTE, "lost events", _since_last(books)))
        group.create_task(_every(_HOUR, "usage", meter))
        group.create_task(_every(24 * _HOUR, "reconciliation", books.reconcile))


async def tell_of_thresholds(database: Database, console_url: str) -> None:
    """Run until cancelled."""
    await _every(_MINUTE, "thresholds", lambda now: tell_thresholds(database, console_url, now))


def _since_last(books: Books) -> Work:
    """Look as far back as Stripe goes the first time, and then a little before the last look."""
    last: datetime | None = None

    async def look(now: datetime) -> None:
        nonlocal last
        await books.fetch_missing(now, None if last is None else last - _AGAIN)
        last = now

    return look


async def _every(seconds: float, name: str, work: Work) -> None:
    while True:
        try:
            await work(datetime.now(UTC))
            await asyncio.sleep(seconds)
        except (BillingRefused, *DATABASE_TROUBLE) as error:
            _log.warning("billing waits", extra=fields(work=name, cause=str(error)))
            await asyncio.sleep(_RETRY)
