"""Events of Stripe's and comparisons of counts, over all accounts. As the support login."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing.comparisons import Reconciliation
from control_plane.billing.rules import ALERT
from control_plane.support.payments.rules import EventState, ListedEvent, ShownEvent
from shared.runtime.tables.billing import billing_customer, reconciliation, stripe_event
from shared.runtime.tables.control import account

_IGNORED_OUTCOME = "ignored"  # what the books say of a type that is of no use

_STATE = case(
    (stripe_event.c.ignored_at.is_not(None), EventState.IGNORED.value),
    (stripe_event.c.outcome == _IGNORED_OUTCOME, EventState.IGNORED.value),
    (stripe_event.c.handled_at.is_not(None), EventState.HANDLED.value),
    (stripe_event.c.error.is_not(None), EventState.FAILED.value),
    else_=EventState.WAITING.value,
)


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a list is to have; what is empty is not asked about."""

    state: EventState | None = None
    type: str = ""  # its beginning
    account: str = ""  # its id, or its customer's at Stripe
    since: datetime | None = None


class DriftRow(Reconciliation, frozen=True, kw_only=True):
    account_name: str


async def list_events(
    connection: AsyncConnection, sought: Sought, *, before: str, limit: int
) -> list[ListedEvent]:
    """List them, the newest first, from after the one with the id `before`; '' for the newest."""
    query = _events(ListedEvent).where(*_conditions(sought))
    if before:
        place = select(stripe_event.c.received_at, stripe_event.c.id).where(
            stripe_event.c.id == before
        )
        here = func.row(stripe_event.c.received_at, stripe_event.c.id)
        query = query.where(here < place.scalar_subquery())
    rows = await connection.execute(
        query.order_by(stripe_event.c.received_at.desc(), stripe_event.c.id.desc()).limit(limit)
    )
    return [msgspec.convert(row, ListedEvent) for row in rows.mappings()]


async def show_event(connection: AsyncConnection, event_id: str) -> ShownEvent | None:
    query = _events(ShownEvent).where(stripe_event.c.id == event_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else msgspec.convert(row, ShownEvent)


async def count_failed(connection: AsyncConnection) -> int:
    """Count the events that something is to come of yet, and that have failed."""
    waits = stripe_event.c.handled_at.is_(None) & stripe_event.c.ignored_at.is_(None)
    found = await connection.scalar(
        select(func.count())
        .select_from(stripe_event)
        .where(waits, stripe_event.c.error.is_not(None))
    )
    return int(found or 0)


async def set_waiting(connection: AsyncConnection, event_id: str) -> None:
    """Have the books take it as if it came now."""
    await _set(
        connection,
        event_id,
        handled_at=null(),
        outcome=null(),
        error=null(),
        replay_asked_at=func.now(),
    )


async def set_ignored(connection: AsyncConnection, event_id: str, by: str, reason: str) -> None:
    await _set(connection, event_id, ignored_at=func.now(), ignored_by=by, ignored_reason=reason)


async def set_heeded(connection: AsyncConnection, event_id: str) -> None:
    """Have it be ignored no more."""
    await _set(connection, event_id, ignored_at=null(), ignored_by=null(), ignored_reason=null())


async def page_of_drifts(
    connection: AsyncConnection, *, adrift: bool, offset: int, limit: int
) -> tuple[list[DriftRow], int]:
    """List what comparisons came to, the greatest drift first; and say how many there are."""
    condition = reconciliation.c.drift > ALERT if adrift else reconciliation.c.drift >= 0
    rows = await connection.execute(
        select(reconciliation, account.c.name.label("account_name"))
        .join(account, account.c.id == reconciliation.c.account_id)
        .where(condition)
        .order_by(reconciliation.c.drift.desc(), reconciliation.c.starts_at.desc(), account.c.id)
        .offset(offset)
        .limit(limit)
    )
    total = await connection.scalar(
        select(func.count()).select_from(reconciliation).where(condition)
    )
    return [msgspec.convert(row, DriftRow) for row in rows.mappings()], total or 0


async def drifts_of(connection: AsyncConnection, account_id: str) -> list[Reconciliation]:
    """List the account's, the newest period first."""
    rows = await connection.execute(
        select(reconciliation)
        .where(reconciliation.c.account_id == account_id)
        .order_by(reconciliation.c.starts_at.desc())
    )
    return [msgspec.convert(row, Reconciliation) for row in rows.mappings()]


async def count_adrift(connection: AsyncConnection) -> int:
    """Count the periods whose counts differ by more than they may."""
    found = await connection.scalar(
        select(func.count()).select_from(reconciliation).where(reconciliation.c.drift > ALERT)
    )
    return int(found or 0)


def _events(shown: type[ListedEvent]) -> Select[Any]:
    special = {
        "state": _STATE.label("state"),
        "account_id": billing_customer.c.account_id,
        "account_name": account.c.name.label("account_name"),
    }
    names = shown.__struct_fields__
    return (
        select(*(special[name] if name in special else stripe_event.c[name] for name in names))
        .outerjoin(billing_customer, billing_customer.c.customer_id == stripe_event.c.customer_id)
        .outerjoin(account, account.c.id == billing_customer.c.account_id)
    )


def _conditions(sought: Sought) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if sought.state is not None:
        conditions.append(_STATE.in_([sought.state.value]))
    if sought.state in {EventState.WAITING, EventState.FAILED}:
        conditions.append(stripe_event.c.handled_at.is_(None))  # it has an index
    if sought.type:
        conditions.append(stripe_event.c.type.startswith(sought.type, autoescape=True))
    if sought.account:
        of_account = select(billing_customer.c.customer_id).where(
            billing_customer.c.account_id == sought.account
        )
        customer = stripe_event.c.customer_id
        conditions.append(customer.in_([sought.account]) | customer.in_(of_account))
    if sought.since is not None:
        conditions.append(stripe_event.c.received_at >= sought.since)
    return conditions


async def _set(connection: AsyncConnection, event_id: str, **values: object) -> None:
    await connection.execute(
        update(stripe_event).where(stripe_event.c.id == event_id).values(values)
    )
