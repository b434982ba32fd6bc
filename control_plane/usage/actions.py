"""Looking things up in the ledger, and letting go of what is old."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.usage import repository, rules
from control_plane.usage.rules import Counted, IssuedToken, LogEntry, UnknownToken, Window
from shared.domain.ids import TenantId
from shared.runtime.database import Database

_BATCH_DAYS = 30  # a batch that waited longer in a spool is set aside, not replayed
_LATE = timedelta(seconds=5)  # what is committed after a later one is still followed


async def find_token(database: Database, tenant: TenantId, jti: str) -> IssuedToken:
    """Raises InvalidTokenId or UnknownToken."""
    token_id = rules.read_token_id(jti)
    async with database.tenant(tenant) as connection:
        found = await repository.find_issued(connection, token_id)
    if found is None:
        raise UnknownToken("the ledger has no such token of this tenant")
    return found


async def list_log(
    database: Database,
    tenant: TenantId,
    *,
    client_id: str | None,
    before: UUID = rules.LAST_ID,
    limit: int,
) -> list[LogEntry]:
    """List what was issued and refused, the newest first.

    `before` is the id of the last entry of the page before.
    """
    entries: list[LogEntry] = []
    async with database.tenant(tenant) as connection:
        window = Window(rules.FIRST_ID, before)
        entries += await repository.list_refused(connection, window, client_id, limit)
        issued = 0
        async for page in _issued_before(connection, before, client_id, limit):
            entries += page
            issued += len(page)
            if issued >= limit:
                break
    return rules.newest(entries, limit)


async def list_new(
    database: Database, tenant: TenantId, *, client_id: str | None, since: datetime, limit: int
) -> list[LogEntry]:
    """List what has happened since a moment ago, and shortly before it, the newest first."""
    window = Window(rules.first_id(since - _LATE), rules.LAST_ID)
    async with database.tenant(tenant) as connection:
        issued = await repository.list_issued(connection, window, client_id, limit)
        refused = await repository.list_refused(connection, window, client_id, limit)
    return rules.newest([*issued, *refused], limit)


async def list_usage(database: Database, tenant: TenantId, month: str) -> list[Counted]:
    """Count what happened in a month, such as 2026-11. Raises InvalidMonth."""
    first, following = rules.read_month(month)
    async with database.tenant(tenant) as connection:
        return await repository.list_usage(connection, first, following)


async def forget_old(database: Database, days: int, today: datetime) -> list[str]:
    """Drop what is older than so many days, a transaction for each; give the partitions' names."""
    first_day, first_month = rules.oldest_day(today, days), rules.oldest_month(today, days)
    batches = max(first_day, rules.oldest_day(today, _BATCH_DAYS))
    bounds = {"issued": first_day, "refused": first_day, "batch": batches, "usage": first_month}
    dropped: list[str] = []
    for table, before in bounds.items():
        while (name := await _drop_oldest(database, table, before)) is not None:
            dropped.append(name)
    async with database.control() as connection:
        await repository.forget_months(connection, first_month)
    return dropped


async def _drop_oldest(database: Database, table: str, before: datetime) -> str | None:
    async with database.control() as connection:
        return await repository.drop_partition(connection, table, before)


async def _issued_before(
    connection: AsyncConnection, before: UUID, client_id: str | None, limit: int
) -> AsyncIterator[list[LogEntry]]:
    """Give the tokens before that id minute by minute, the newest first."""
    start = await repository.first_hour(connection)
    end = min(rules.time_of(before), datetime.now(UTC))
    for low, high in rules.spans_between(start or end, end):
        if client_id is None:
            hours = await repository.hours_of_tenant(connection, low, high)
        else:
            hours = await repository.hours_of_client(connection, client_id, low, high)
        for window in rules.windows(hours, before):
            yield await repository.list_issued(connection, window, client_id, limit)
