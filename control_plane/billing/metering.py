"""Tokens over the plan: counted from the ledger, written down, and sent to Stripe.

A count is of the account's month in the ledger, which moves in the transaction of the tokens'
records. What is over the plan since the last count is one row with an identifier of ours, committed
before it is sent; whoever is killed after sending it sends it again under the same identifier.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.repository import find_limits
from control_plane.billing import records, repository
from control_plane.billing.records import CountedRow
from control_plane.billing.rules import METER, newly_over
from control_plane.billing.stripe_gateway import StripeGateway
from shared.domain.plan import PLANS, HeldLimits, tenant_limits
from shared.runtime.database import Database

_PIECE = 100


async def count_all(database: Database, now: datetime) -> None:
    """Count each account that buys tokens over its plan; late ones of the last month too."""
    after = ""
    while True:
        async with database.control() as connection:
            page = await records.accounts_with_overage(connection, after, _PIECE)
        for account_id in page:
            async with database.control() as connection:
                await repository.lock_customer(connection, account_id)
                await count(connection, account_id, now)
        if len(page) < _PIECE:
            return
        after = page[-1]


async def count(connection: AsyncConnection, account_id: str, now: datetime) -> None:
    """Count the account's tokens, in a transaction that has locked its customer.

    Before a change of its plan or overage, so that what was used is paid by what was agreed then.
    """
    limits = await find_limits(connection, account_id)
    included = None if limits is None else _included(limits)
    last = now.replace(day=1) - timedelta(days=1)
    ended = await records.find_counted(connection, account_id, f"{last:%Y-%m}")
    if ended is not None:
        await _count(connection, account_id, f"{last:%Y-%m}", ended, now)
    month = f"{now:%Y-%m}"
    held = await records.find_counted(connection, account_id, month)
    counted = CountedRow(counted=held.counted if held else 0, included=included)
    await _count(connection, account_id, month, counted, now)


async def agree(connection: AsyncConnection, account_id: str, now: datetime) -> None:
    """Note what is included from now on: after a change. What was counted stays counted."""
    limits = await find_limits(connection, account_id)
    month = f"{now:%Y-%m}"
    held = await records.find_counted(connection, account_id, month)
    issued = await records.issued_in(connection, account_id, month)
    row = CountedRow(
        counted=held.counted if held else issued,
        included=None if limits is None else _included(limits),
    )
    await records.set_counted(connection, account_id, month, row)


async def send_all(database: Database, stripe: StripeGateway, now: datetime) -> int:
    """Send what is written down and not sent; give how many rows. Raises as the gateway does."""
    sent = 0
    while True:
        async with database.control() as connection:
            page = await records.unsent_usage(connection, _PIECE)
        for row in page:
            when = int(row.at.timestamp())
            await stripe.send_usage(METER, row.identifier, row.customer_id, row.tokens, when)
            async with database.control() as connection:
                await records.set_sent(connection, row.identifier, now)
            sent += 1
        if len(page) < _PIECE:
            return sent


async def _count(
    connection: AsyncConnection, account_id: str, month: str, held: CountedRow, now: datetime
) -> None:
    issued = await records.issued_in(connection, account_id, month)
    over = newly_over(issued, held.counted, held.included)
    if over:
        await records.add_metered(connection, account_id, now.replace(microsecond=0), over)
    row = CountedRow(counted=max(issued, held.counted), included=held.included)
    await records.set_counted(connection, account_id, month, row)


def _included(limits: HeldLimits) -> int | None:
    """Give the tokens of a month that are paid by the plan; None where no more are bought."""
    quota = tenant_limits(limits).month
    sells = PLANS[limits.plan].overage_price is not None and limits.overage_cap is not None
    return quota.included if sells and quota is not None else None
