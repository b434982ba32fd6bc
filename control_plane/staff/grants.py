"""Opening an account: nobody of the staff sees one without a reason, for an hour at most.

Both sides' logs have it: the staff's, and the account's own, which the customer reads.
"""

import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_account, record_of_staff
from control_plane.audit.rules import Actor, Noted
from control_plane.staff import repository
from control_plane.staff.rules import GRANT_LASTS, Grant, Opened, Reason
from shared.runtime.database import Database


async def open_grant(
    database: Database, by: Actor, account_id: str, why: Reason, now: datetime
) -> Grant | None:
    """Let one of the staff, `by`, see an account until an hour from now; None: there is no such."""
    grant = Grant(
        id=f"g_{secrets.token_hex(8)}",
        staff_id=by.id,
        account_id=account_id,
        reason=why.reason,
        ticket=why.ticket,
        created_at=now,
        ends_at=now + GRANT_LASTS,
    )
    async with database.control() as connection:
        if await repository.find_account_name(connection, account_id) is None:
            return None
        await repository.add_grant(connection, grant)
        facts = why.facts | {"until": grant.ends_at.isoformat(timespec="seconds")}
        noted = Noted("support.open", f"account {account_id}", after=facts)
        await record_of_both(connection, account_id, by, noted)
    return grant


async def end_grant(database: Database, by: Actor, account_id: str, now: datetime) -> None:
    """Give an account back before the hour is over."""
    async with database.control() as connection:
        if await repository.end_grants(connection, by.id, now, account_id):
            noted = Noted("support.close", f"account {account_id}")
            await record_of_both(connection, account_id, by, noted)


async def find_grant(
    database: Database, staff_id: str, account_id: str, now: datetime
) -> Opened | None:
    """Find the live one."""
    async with database.control() as connection:
        return await repository.find_live_grant(connection, staff_id, account_id, now)


async def list_grants(database: Database, staff_id: str, now: datetime) -> list[Opened]:
    """List the live ones of one of the staff."""
    async with database.control() as connection:
        return await repository.list_live_grants(connection, staff_id, now)


async def account_name(database: Database, account_id: str) -> str | None:
    """Give the account's name; None where there is no such account."""
    async with database.control() as connection:
        return await repository.find_account_name(connection, account_id)


async def record_of_both(
    connection: AsyncConnection, account_id: str, by: Actor, noted: Noted
) -> None:
    """Record what touches a customer: for the customer, who learns no address of ours, and for us.

    The account's row and chain come before the staff's chain, for all who record in both.
    """
    without_address = Actor(kind=by.kind, id=by.id, email=by.email, request_id=by.request_id)
    await record_of_account(connection, account_id, without_address, noted)
    await record_of_staff(connection, by, noted)
