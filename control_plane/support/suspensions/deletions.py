"""Deleting a tenant takes two of the staff: one asks, another approves; then it has a week left.

The jobs do what was approved: the support login has no right to.
"""

import secrets
from datetime import datetime

from control_plane.accounts.repository import lock_limits
from control_plane.support.shown import Act, defer
from control_plane.support.suspensions import repository
from control_plane.support.suspensions.rules import (
    DeletionRefused,
    DeletionRow,
    check_asking,
    check_deciding,
)
from control_plane.tenancy.repository import find_own
from shared.runtime.database import Database

_DELETE = "delete_tenant"  # the job's name
_SHOWN = 20


async def ask_for_deletion(
    database: Database, act: Act, account_id: str, slug: str, now: datetime
) -> None:
    """Raises DeletionRefused."""
    async with database.control() as connection:
        await lock_limits(connection, account_id)
        tenant = await find_own(connection, account_id, slug)
        if tenant is None:
            raise DeletionRefused("the account has no such tenant")
        check_asking(slug, leaving=tenant.leaving)
        if await repository.open_deletion_of(connection, tenant.id) is not None:
            raise DeletionRefused("its deletion was asked for already, and waits for another")
        new = DeletionRow(
            id=f"d_{secrets.token_hex(8)}",
            account_id=account_id,
            tenant_id=tenant.id,
            slug=slug,
            reason=act.why.reason,
            ticket=act.why.ticket,
            asked_by=act.by.id,
            asked_email=act.by.email,
            asked_at=now,
        )
        await repository.add_deletion(connection, new)
        await act.note_both(connection, account_id, "deletion.ask", f"tenant {slug}")


async def decide(
    database: Database, act: Act, account_id: str, request_id: str, now: datetime, *, approve: bool
) -> None:
    """Approve what another has asked for, or decline it. Raises DeletionRefused."""
    async with database.control() as connection:
        await lock_limits(connection, account_id)
        asked = await repository.lock_deletion(connection, account_id, request_id)
        if asked is None:
            raise DeletionRefused("there is no such request")
        check_deciding(asked, act.by.id, approve=approve)
        staff = act.by.id, act.by.email
        await repository.decide_deletion(
            connection, request_id, staff, act.why.reason, now, approved=approve
        )
        action = "deletion.approve" if approve else "deletion.decline"
        asked_by = {"asked_by": asked.asked_email}
        await act.note_both(connection, account_id, action, f"tenant {asked.slug}", after=asked_by)
        if approve:
            await defer(connection, _DELETE, {"request_id": request_id})


async def deletions_of(database: Database, account_id: str) -> list[DeletionRow]:
    async with database.control() as connection:
        return await repository.list_deletions(connection, account_id, _SHOWN)


async def waiting_deletion_of(database: Database, tenant_id: str) -> DeletionRow | None:
    """Give the tenant's that waits for another of the staff."""
    async with database.control() as connection:
        return await repository.open_deletion_of(connection, tenant_id)


async def waiting_deletions(database: Database) -> list[DeletionRow]:
    """List those of all accounts that wait for another of the staff, the oldest first."""
    async with database.control() as connection:
        return await repository.open_deletions(connection, _SHOWN)
