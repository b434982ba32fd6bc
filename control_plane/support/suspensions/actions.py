"""Suspending an account in three degrees, and undoing it (C4).

The console and the management API know it at once; the jobs have the data plane know it, within a
second or two.
"""

import secrets
from datetime import datetime

import msgspec

from control_plane.accounts.repository import lock_limits
from control_plane.publishing.snapshots import tenants_behind
from control_plane.staff.rules import StaffRole
from control_plane.support.shown import Act, defer
from control_plane.support.suspensions import repository
from control_plane.support.suspensions.rules import (
    SuspensionRefused,
    SuspensionRow,
    check_suspension,
)
from shared.domain.suspension import SuspensionKind
from shared.runtime.database import Database

_PUBLISH = "publish_limits"  # the job's name
_SHOWN = 20


class SuspensionsPage(msgspec.Struct, frozen=True, kw_only=True):
    live: SuspensionRow | None
    past: list[SuspensionRow]
    applying: bool  # some tenant's snapshot is from before the last change


async def show_suspensions(database: Database, account_id: str) -> SuspensionsPage:
    async with database.control() as connection:
        rows = await repository.list_suspensions(connection, account_id, _SHOWN)
        behind = await tenants_behind(connection, account_id, after="", limit=1)
    live = next((each for each in rows if each.lifted_at is None), None)
    past = [each for each in rows if each.lifted_at is not None]
    return SuspensionsPage(live=live, past=past, applying=bool(behind))


async def change_suspension(
    database: Database,
    act: Act,
    role: StaffRole,
    account_id: str,
    to: SuspensionKind | None,
    now: datetime,
) -> None:
    """Suspend the account, so or otherwise than until now; None restores it.

    Raises SuspensionRefused.
    """
    async with database.control() as connection:
        if await lock_limits(connection, account_id) is None:
            raise SuspensionRefused("there is no such account")
        live = await repository.live_suspension(connection, account_id)
        held = None if live is None else live.kind
        check_suspension(account_id, role, held, to)
        await repository.lift_suspension(connection, account_id, act.by.email, act.why.reason, now)
        if to is not None:
            row = SuspensionRow(
                id=f"s_{secrets.token_hex(8)}",
                account_id=account_id,
                kind=to,
                reason=act.why.reason,
                ticket=act.why.ticket,
                staff_id=act.by.id,
                staff_email=act.by.email,
                created_at=now,
            )
            await repository.add_suspension(connection, row)
        await repository.mark_suspended(connection, account_id, to)
        action = "account.restore" if to is None else "account.suspend"
        before, after = {"suspended": held}, {"suspended": to}
        target = f"account {account_id}"
        await act.note_both(connection, account_id, action, target, before=before, after=after)
        await defer(connection, _PUBLISH, {"account_id": account_id})
