"""Rows of suspensions and of deletions asked for. Works in the given transaction."""

from datetime import datetime

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.support.suspensions.rules import DeletionRow, SuspensionRow
from shared.domain.suspension import SuspensionKind
from shared.runtime.tables.control import account
from shared.runtime.tables.support_acts import deletion_request, suspension

_SUSPENSION = [suspension.c[name] for name in SuspensionRow.__struct_fields__]
_DELETION = [deletion_request.c[name] for name in DeletionRow.__struct_fields__]


async def list_suspensions(
    connection: AsyncConnection, account_id: str, limit: int
) -> list[SuspensionRow]:
    """List them, the last begun first: where one is live, it is the first."""
    rows = await connection.execute(
        select(*_SUSPENSION)
        .where(suspension.c.account_id == account_id)
        .order_by(suspension.c.lifted_at.is_(None).desc(), suspension.c.created_at.desc())
        .limit(limit)
    )
    return [msgspec.convert(row, SuspensionRow) for row in rows.mappings()]


async def live_suspension(connection: AsyncConnection, account_id: str) -> SuspensionRow | None:
    found = await connection.execute(
        select(*_SUSPENSION).where(
            suspension.c.account_id == account_id, suspension.c.lifted_at.is_(None)
        )
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, SuspensionRow)


async def add_suspension(connection: AsyncConnection, new: SuspensionRow) -> None:
    await connection.execute(insert(suspension).values(**msgspec.structs.asdict(new)))


async def lift_suspension(
    connection: AsyncConnection, account_id: str, by: str, why: str, now: datetime
) -> None:
    """End the live one; `by` is the e-mail of who does."""
    await connection.execute(
        update(suspension)
        .where(suspension.c.account_id == account_id, suspension.c.lifted_at.is_(None))
        .values(lifted_at=now, lifted_by=by, lifted_for=why)
    )


async def mark_suspended(
    connection: AsyncConnection, account_id: str, kind: SuspensionKind | None
) -> None:
    """Have the account's row, which is locked, say so; it is to be published."""
    await connection.execute(
        update(account)
        .where(account.c.id == account_id)
        .values(suspended=kind, limits_version=account.c.limits_version + 1, limits_due=True)
    )


async def add_deletion(connection: AsyncConnection, new: DeletionRow) -> None:
    await connection.execute(insert(deletion_request).values(**msgspec.structs.asdict(new)))


async def lock_deletion(
    connection: AsyncConnection, account_id: str, request_id: str
) -> DeletionRow | None:
    found = await connection.execute(
        select(*_DELETION)
        .where(deletion_request.c.account_id == account_id, deletion_request.c.id == request_id)
        .with_for_update(key_share=True)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, DeletionRow)


async def open_deletion_of(connection: AsyncConnection, tenant_id: str) -> DeletionRow | None:
    found = await connection.execute(
        select(*_DELETION).where(
            deletion_request.c.tenant_id == tenant_id, deletion_request.c.decided_at.is_(None)
        )
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, DeletionRow)


async def decide_deletion(
    connection: AsyncConnection,
    request_id: str,
    staff: tuple[str, str],
    why: str,
    now: datetime,
    *,
    approved: bool,
) -> None:
    """Write the decision; `staff` is the id and the e-mail of who decides."""
    await connection.execute(
        update(deletion_request)
        .where(deletion_request.c.id == request_id)
        .values(
            approved=approved,
            decided_by=staff[0],
            decided_email=staff[1],
            decided_for=why,
            decided_at=now,
        )
    )


async def list_deletions(
    connection: AsyncConnection, account_id: str, limit: int
) -> list[DeletionRow]:
    """List an account's, the last asked for first."""
    rows = await connection.execute(
        select(*_DELETION)
        .where(deletion_request.c.account_id == account_id)
        .order_by(deletion_request.c.asked_at.desc(), deletion_request.c.id)
        .limit(limit)
    )
    return [msgspec.convert(row, DeletionRow) for row in rows.mappings()]


async def open_deletions(connection: AsyncConnection, limit: int) -> list[DeletionRow]:
    """List those of all accounts that nobody has decided, the oldest first."""
    rows = await connection.execute(
        select(*_DELETION)
        .where(deletion_request.c.decided_at.is_(None))
        .order_by(deletion_request.c.asked_at, deletion_request.c.id)
        .limit(limit)
    )
    return [msgspec.convert(row, DeletionRow) for row in rows.mappings()]
