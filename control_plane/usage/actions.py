"""Looking things up in the ledger, and letting go of what is old."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.usage import months, repository, rules
from control_plane.usage.months import Counted, EagerClient, MonthUsage
from control_plane.usage.rules import (
    IssuedToken,
    LogEntry,
    LogPage,
    Sought,
    UnknownToken,
    Window,
    entry_of,
)
from shared.domain import latency
from shared.domain.ids import TenantId
from shared.runtime.database import Database

_BATCH_DAYS = 30  # a batch that waited longer in a spool is set aside, not replayed
_LISTED = 20  # clients of a month
_LOOKED_THROUGH = 20_000  # refusals for one page of a search
_LATE = timedelta(seconds=5)  # what is committed after a later one is still followed


async def find_token(database: Database, tenant: TenantId, jti: str) -> IssuedToken:
    """Raises InvalidTokenId or UnknownToken."""
    token_id = rules.read_token_id(jti)
    async with database.tenant(tenant) as connection:
        found = await repository.find_issued(connection, token_id)
    if found is None:
        raise UnknownToken("the ledger has no such token of this tenant")
    return found


async def find_entry(database: Database, tenant: TenantId, entry: UUID) -> LogEntry | None:
    """Find a token that was issued, or a refusal, by its id."""
    async with database.tenant(tenant) as connection:
        token = await repository.find_issued(connection, entry)
        if token is None:
            return await repository.find_refused(connection, entry)
    return entry_of(token)


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
    window, sought = Window(rules.FIRST_ID, before), Sought(client_id=client_id or "")
    async with database.tenant(tenant) as connection:
        found = await repository.list_refused(connection, window, sought, limit)
        found += await _list_issued(connection, window, client_id, limit)
    return rules.newest(found, limit)


async def search_log(
    database: Database, tenant: TenantId, sought: Sought, window: Window, limit: int
) -> LogPage:
    """Give a page of what is sought in a window of time, the newest first.

    What a refusal says has no index, so no more than so many are looked through for a page.
    """
    found: list[LogEntry] = []
    reached: UUID | None = None
    async with database.tenant(tenant) as connection:
        if sought.wants_refused:
            reached = await repository.nth_refused(connection, window, _LOOKED_THROUGH)
            # of what is older, tokens neither: the refusals between them are not known
            window = Window(reached or window.low, window.high)
            found += await repository.list_refused(connection, window, sought, limit + 1)
        if sought.wants_issued:
            found += await _list_issued(connection, window, sought.client_id or None, limit + 1)
    return rules.page_of(found, limit, reached)


async def list_new(
    database: Database, tenant: TenantId, sought: Sought, *, since: datetime, limit: int
) -> list[LogEntry]:
    """List what has happened since a moment ago, and shortly before it, the newest first."""
    window = Window(rules.first_id(since - _LATE), rules.LAST_ID)
    found: list[LogEntry] = []
    async with database.tenant(tenant) as connection:
        if sought.wants_issued:
            client_id = sought.client_id or None
            found += await repository.list_issued(connection, window, client_id, limit)
        if sought.wants_refused:
            found += await repository.list_refused(connection, window, sought, limit)
    return rules.newest(found, limit)


async def client_names(
    database: Database, tenant: TenantId, client_ids: Iterable[str]
) -> dict[str, str]:
    """Give the names of these clients by id, but for those that are deleted."""
    async with database.tenant(tenant) as connection:
        return await repository.names_of_clients(connection, sorted({*client_ids}))


async def list_usage(database: Database, tenant: TenantId, month: str) -> list[Counted]:
    """Count what happened in a month, such as 2026-11. Raises InvalidMonth."""
    span = months.month_span(month)
    async with database.tenant(tenant) as connection:
        found = await repository.sum_usage(connection, span, ("client_id", "api", "event"), {})
    counted = [
        Counted(client_id=client_id, api=api, event=event, count=each.count)
        for each in found
        for client_id, api, event in [each.of]
    ]
    return sorted(counted, key=lambda each: (each.client_id, each.api, each.event))


async def month_usage(connection: AsyncConnection, month: str) -> MonthUsage:
    """Count what happened in a tenant's month by day, client and API. Raises InvalidMonth."""
    span, issued = months.month_span(month), {"event": [months.ISSUED]}
    total = partial(repository.sum_usage, connection, span)
    clients = await total(("client_id",), issued, _LISTED)
    drawn = [each.of[0] for each in clients[: months.DRAWN]]
    named = [each.of[0] for each in clients]
    return MonthUsage(
        days=months.days_of(span),
        counts=await total(("day", "api", "event"), {}),
        clients=clients,
        of_clients=await total(("client_id", "day"), issued | {"client_id": drawn}),
        names=await repository.names_of_clients(connection, named),
    )


async def eager_clients(connection: AsyncConnection, month: str, today: date) -> list[EagerClient]:
    """List clients that ask for tokens they have no use of, in the month's last seven days.

    It is told from the days as they are rolled up: an hour late. Raises InvalidMonth.
    """
    week = months.last_week(months.month_span(month), today)
    return await repository.eager_clients(connection, week, _LISTED)


async def latencies_of(connection: AsyncConnection, day: date) -> dict[str, int]:
    """Count a tenant's tokens of a day by how long they took; by shared.domain.latency's events."""
    span = months.Span(day, day + timedelta(days=1))
    counted = await repository.sum_usage(connection, span, ("event",), {"event": latency.EVENTS})
    return {each.of[0]: each.count for each in counted}


async def all_usage(
    database: Database, tenant: TenantId, month: str
) -> AsyncIterator[tuple[str, ...]]:
    """Give day, client, API, event and count of all that was counted in a month, day by day."""
    for day in months.days_of(months.month_span(month)):
        first = date.fromisoformat(day)
        span = months.Span(first, first + timedelta(days=1))
        async with database.tenant(tenant) as connection:
            found = await repository.sum_usage(connection, span, ("client_id", "api", "event"), {})
        for each in sorted(found, key=lambda each: each.of):
            yield day, *each.of, str(each.count)


async def roll_up_days(database: Database, today: date) -> int:
    """Roll up what was counted, a transaction for each day; tell how many counts were new."""
    async with database.control() as connection:
        until = await repository.rolled_until(connection)
    changed = 0
    for day in months.days_to_roll(until, today):
        async with database.control() as connection:
            changed += await repository.roll_up(connection, day)
    return changed


async def forget_old(database: Database, days: int, today: datetime) -> list[str]:
    """Drop what is older than so many days, a transaction for each; give the partitions' names."""
    first_day, first_month = months.oldest_day(today, days), months.oldest_month(today, days)
    batches = max(first_day, months.oldest_day(today, _BATCH_DAYS))
    bounds = {
        "issued": first_day,
        "refused": first_day,
        "batch": batches,
        "usage": first_month,
        "usage_day": first_month,
        "usage_day_all": first_month,
        "usage_month": first_month,
    }
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


async def _list_issued(
    connection: AsyncConnection, within: Window, client_id: str | None, limit: int
) -> list[LogEntry]:
    """List the newest tokens of a window of time, minute by minute."""
    entries: list[LogEntry] = []
    async for window in _issued_minutes(connection, within, client_id):
        entries += await repository.list_issued(connection, window, client_id, limit)
        if len(entries) >= limit:
            break
    return entries


async def _issued_minutes(
    connection: AsyncConnection, within: Window, client_id: str | None
) -> AsyncIterator[Window]:
    """Give the minutes of the window that have tokens, the latest first."""
    end = min(rules.time_of(within.high), datetime.now(UTC))
    start = max(await repository.first_hour(connection) or end, rules.hour_of(within.low))
    for low, high in rules.spans_between(start, end):
        if client_id is None:
            hours = await repository.hours_of_tenant(connection, low, high)
        else:
            hours = await repository.hours_of_client(connection, client_id, low, high)
        for window in rules.windows(hours, within):
            yield window
