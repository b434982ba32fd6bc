"""Rows of what Stripe told us, what we told it, and what we wrote to people about.

Works in the transaction that it is given, as the login.
"""

from datetime import datetime

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.tables.billing import (
    billing_customer,
    billing_notice,
    metered_month,
    metered_usage,
    stripe_event,
)
from shared.runtime.tables.control import account
from shared.runtime.tables.ledger import account_month, quota_threshold


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    livemode: bool
    body: str  # JSON as it came
    customer_id: str | None = None  # at Stripe, whom it is about
    fetched: bool = False  # it was listed by Stripe, and had not been delivered


class EventRow(ReceivedEvent, frozen=True, kw_only=True):
    received_at: datetime
    handled_at: datetime | None
    replay_asked_at: datetime | None
    ignored_at: datetime | None

    @property
    def known_at(self) -> datetime:
        """When we were told to look: what the books have from before then does not count."""
        return self.replay_asked_at or self.received_at

    @property
    def is_done(self) -> bool:
        return self.handled_at is not None or self.ignored_at is not None


class MeteredRow(msgspec.Struct, frozen=True, kw_only=True):
    identifier: str
    account_id: str
    customer_id: str
    at: datetime
    tokens: int


class CountedRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a month is counted."""

    counted: int
    included: int | None  # None: no tokens over the plan are bought


class ReachedRow(msgspec.Struct, frozen=True, kw_only=True):
    account_id: str
    percent: int


async def add_event(connection: AsyncConnection, event: ReceivedEvent) -> bool:
    """Store it; tell whether it is new. Its time is the database's, as that of `lock_customer`."""
    added = await connection.scalar(
        insert(stripe_event)
        .values(received_at=func.now(), **msgspec.structs.asdict(event))
        .on_conflict_do_nothing()
        .returning(stripe_event.c.id)
    )
    if added is None and not event.fetched:  # it came after all
        await connection.execute(
            update(stripe_event).where(stripe_event.c.id == event.id).values(fetched=False)
        )
    return added is not None


async def find_event(connection: AsyncConnection, event_id: str) -> EventRow | None:
    found = await connection.execute(select(stripe_event).where(stripe_event.c.id == event_id))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, EventRow)


async def set_outcome(
    connection: AsyncConnection, event_id: str, outcome: str, now: datetime
) -> None:
    """Note what came of it, unless that is noted."""
    await connection.execute(
        update(stripe_event)
        .where(stripe_event.c.id == event_id, stripe_event.c.handled_at.is_(None))
        .values(handled_at=now, outcome=outcome, error=None)
    )


async def set_error(connection: AsyncConnection, event_id: str, error: str) -> None:
    """Note that nothing has come of it yet, and why."""
    await connection.execute(
        update(stripe_event)
        .where(stripe_event.c.id == event_id, stripe_event.c.handled_at.is_(None))
        .values(error=error, tries=stripe_event.c.tries + 1)
    )


async def unhandled_events(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Name those received before then that something is to come of yet, the oldest first."""
    rows = await connection.scalars(
        select(stripe_event.c.id)
        .where(
            stripe_event.c.handled_at.is_(None),
            stripe_event.c.ignored_at.is_(None),
            stripe_event.c.received_at < before,
        )
        .order_by(stripe_event.c.received_at, stripe_event.c.id)
        .limit(limit)
    )
    return list(rows)


async def last_arrived(connection: AsyncConnection) -> tuple[datetime | None, datetime | None]:
    """Say when an event was last delivered, and when one last had to be fetched."""
    newest = func.max(stripe_event.c.received_at)
    query = select(newest.filter(~stripe_event.c.fetched), newest.filter(stripe_event.c.fetched))
    delivered, fetched = (await connection.execute(query)).one()
    return delivered, fetched


async def forget_events(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove events from before then that nothing is to come of any more; give how many."""
    done = stripe_event.c.handled_at.is_not(None) | stripe_event.c.ignored_at.is_not(None)
    old = select(stripe_event.c.id).where(done, stripe_event.c.received_at < before).limit(limit)
    gone = await connection.scalars(
        delete(stripe_event).where(stripe_event.c.id.in_(old)).returning(stripe_event.c.id)
    )
    return len(gone.all())


async def issued_in(connection: AsyncConnection, account_id: str, month: str) -> int:
    found = await connection.scalar(
        select(func.coalesce(func.sum(account_month.c.issued), 0)).where(
            account_month.c.account == account_id, account_month.c.month == month
        )
    )
    return int(found or 0)


async def find_counted(
    connection: AsyncConnection, account_id: str, month: str
) -> CountedRow | None:
    found = await connection.execute(
        select(metered_month.c.counted, metered_month.c.included).where(
            metered_month.c.account_id == account_id, metered_month.c.month == month
        )
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, CountedRow)


async def set_counted(
    connection: AsyncConnection, account_id: str, month: str, row: CountedRow
) -> None:
    values = msgspec.structs.asdict(row)
    await connection.execute(
        insert(metered_month)
        .values(account_id=account_id, month=month, **values)
        .on_conflict_do_update(index_elements=["account_id", "month"], set_=values)
    )


async def add_metered(
    connection: AsyncConnection, account_id: str, at: datetime, tokens: int
) -> None:
    """Write them down under an identifier of their own: the hour, and which one of the hour."""
    stem = f"{account_id}-{at:%Y%m%d%H}-"
    others = await connection.scalar(
        select(func.count()).where(
            metered_usage.c.account_id == account_id,
            metered_usage.c.identifier.startswith(stem, autoescape=True),
        )
    )
    await connection.execute(
        insert(metered_usage).values(
            identifier=f"{stem}{(others or 0) + 1}", account_id=account_id, at=at, tokens=tokens
        )
    )


async def metered_since(connection: AsyncConnection, account_id: str, since: datetime) -> int:
    """Count the tokens over the plan that were written down since then."""
    found = await connection.scalar(
        select(func.coalesce(func.sum(metered_usage.c.tokens), 0)).where(
            metered_usage.c.account_id == account_id, metered_usage.c.at >= since
        )
    )
    return int(found or 0)


async def unsent_usage(connection: AsyncConnection, limit: int) -> list[MeteredRow]:
    rows = await connection.execute(
        select(metered_usage, billing_customer.c.customer_id)
        .join(billing_customer, billing_customer.c.account_id == metered_usage.c.account_id)
        .where(metered_usage.c.sent_at.is_(None))
        .order_by(metered_usage.c.at, metered_usage.c.identifier)
        .limit(limit)
    )
    return [msgspec.convert(row, MeteredRow) for row in rows.mappings()]


async def set_sent(connection: AsyncConnection, identifier: str, now: datetime) -> None:
    await connection.execute(
        update(metered_usage).where(metered_usage.c.identifier == identifier).values(sent_at=now)
    )


async def accounts_with_overage(connection: AsyncConnection, after: str, limit: int) -> list[str]:
    """Name the customers that buy tokens over their plan, by id."""
    rows = await connection.scalars(
        select(account.c.id)
        .join(billing_customer, billing_customer.c.account_id == account.c.id)
        .where(account.c.overage_cap.is_not(None), account.c.id > after)
        .order_by(account.c.id)
        .limit(limit)
    )
    return list(rows)


async def add_notice(
    connection: AsyncConnection, account_id: str, about: str, now: datetime
) -> bool:
    """Note that it is written about; tell whether nobody had noted that."""
    added = await connection.scalar(
        insert(billing_notice)
        .values(account_id=account_id, about=about, queued_at=now)
        .on_conflict_do_nothing()
        .returning(billing_notice.c.account_id)
    )
    return added is not None


async def thresholds_reached(
    connection: AsyncConnection, month: str, limit: int
) -> list[ReachedRow]:
    """List what accounts have reached in the month and nobody was written to about."""
    about = func.concat("threshold ", quota_threshold.c.month, " ", quota_threshold.c.percent)
    written = (
        select(billing_notice.c.about)
        .where(
            billing_notice.c.account_id == quota_threshold.c.account,
            billing_notice.c.about == about,
        )
        .exists()
    )
    rows = await connection.execute(
        select(quota_threshold.c.account.label("account_id"), quota_threshold.c.percent)
        .join(account, account.c.id == quota_threshold.c.account)
        .where(quota_threshold.c.month == month, ~written)
        .order_by(quota_threshold.c.account, quota_threshold.c.percent)
        .limit(limit)
    )
    return [msgspec.convert(row, ReachedRow) for row in rows.mappings()]
