"""Writing to an account's people about its billing: each thing once, whoever notices it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing import records
from control_plane.billing.letters import Write, due_of, threshold
from control_plane.billing.rules import Subscription
from control_plane.mail.actions import queue_letter
from control_plane.members.repository import list_members
from control_plane.members.rules import Permission, may
from shared.runtime.database import Database

_PIECE = 100


async def tell_of(
    connection: AsyncConnection, subscription: Subscription, console_url: str, now: datetime
) -> None:
    """Write what is due about the subscription, in the transaction that has looked at it."""
    for about, write in due_of(subscription, now):
        await _tell(connection, subscription.account_id, about, write, console_url, now)


async def tell_thresholds(database: Database, console_url: str, now: datetime) -> int:
    """Write to accounts that have used 60, 80 or 100 % of the month; give how many thresholds."""
    month, told = f"{now:%Y-%m}", 0
    while True:
        async with database.control() as connection:
            reached = await records.thresholds_reached(connection, month, _PIECE)
            for each in reached:
                about = f"threshold {month} {each.percent}"
                write = threshold(each.percent)
                await _tell(connection, each.account_id, about, write, console_url, now)
        told += len(reached)
        if len(reached) < _PIECE:
            return told


async def _tell(
    connection: AsyncConnection,
    account_id: str,
    about: str,
    write: Write,
    console_url: str,
    now: datetime,
) -> None:
    if not await records.add_notice(connection, account_id, about, now):
        return
    for each in await list_members(connection, account_id):
        if may(each.role, Permission.CHANGE_BILLING):
            await queue_letter(connection, write(each.email, console_url))
