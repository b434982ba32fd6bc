"""Rows of the books. Works in the transaction that it is given, as the login."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing.rules import Invoice, Subscription
from control_plane.billing.seen import Status
from shared.domain.plan import PlanName
from shared.runtime.tables.billing import (
    billing_customer,
    checkout_session,
    invoice,
    subscription,
)


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    account_id: str
    customer_id: str
    given_plan: PlanName | None
    changes: int
    trialed_at: datetime | None
    refreshed_at: datetime | None  # what Stripe knew by then is in the books


class LockedCustomer(CustomerRow, frozen=True, kw_only=True):
    locked_at: datetime  # by the database's clock, or a little before


async def add_customer(connection: AsyncConnection, account_id: str, customer_id: str) -> None:
    """Keep who the account is at Stripe; of two at once the first one counts."""
    await connection.execute(
        insert(billing_customer)
        .values(account_id=account_id, customer_id=customer_id)
        .on_conflict_do_nothing()
    )


async def find_customer(connection: AsyncConnection, account_id: str) -> CustomerRow | None:
    return await _customer(
        connection, select(billing_customer).where(billing_customer.c.account_id == account_id)
    )


async def lock_customer(connection: AsyncConnection, account_id: str) -> LockedCustomer | None:
    """Have whoever else would bring these books up to date wait until we are done."""
    found = await connection.execute(
        select(billing_customer, func.clock_timestamp().label("locked_at"))
        .where(billing_customer.c.account_id == account_id)
        .with_for_update(key_share=True)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, LockedCustomer)


async def customer_named(connection: AsyncConnection, customer_id: str) -> CustomerRow | None:
    """Find it by its id at Stripe."""
    return await _customer(
        connection, select(billing_customer).where(billing_customer.c.customer_id == customer_id)
    )


async def _customer(connection: AsyncConnection, chosen: Select[Any]) -> CustomerRow | None:
    row = (await connection.execute(chosen)).mappings().first()
    return None if row is None else msgspec.convert(row, CustomerRow)


async def list_customers(connection: AsyncConnection, after: str, limit: int) -> list[str]:
    """Name the accounts that are customers, by id; `after` is the last of the page before."""
    rows = await connection.scalars(
        select(billing_customer.c.account_id)
        .where(billing_customer.c.account_id > after)
        .order_by(billing_customer.c.account_id)
        .limit(limit)
    )
    return list(rows)


async def set_given_plan(connection: AsyncConnection, account_id: str, plan: PlanName) -> None:
    await _set_customer(connection, account_id, given_plan=plan)


async def set_trialed(connection: AsyncConnection, account_id: str, now: datetime) -> None:
    await _set_customer(connection, account_id, trialed_at=now)


async def set_refreshed(
    connection: AsyncConnection, account_id: str, asked_at: datetime, *, changes: int
) -> None:
    await _set_customer(connection, account_id, refreshed_at=asked_at, changes=changes)


async def _set_customer(connection: AsyncConnection, account_id: str, **values: object) -> None:
    await connection.execute(
        update(billing_customer).where(billing_customer.c.account_id == account_id).values(values)
    )


async def subscriptions_of(connection: AsyncConnection, account_id: str) -> list[Subscription]:
    """List them, the newest first."""
    rows = await connection.execute(
        select(subscription)
        .where(subscription.c.account_id == account_id)
        .order_by(subscription.c.created_at.desc(), subscription.c.id)
    )
    return [msgspec.convert(row, Subscription) for row in rows.mappings()]


async def invoices_of(
    connection: AsyncConnection, account_id: str, limit: int = 100
) -> list[Invoice]:
    """List them, the newest first; two of one second by their numbers, which a draft has not."""
    newest = invoice.c.created_at.desc(), invoice.c.number.desc().nulls_first()
    rows = await connection.execute(
        select(invoice)
        .where(invoice.c.account_id == account_id)
        .order_by(*newest, invoice.c.id)
        .limit(limit)
    )
    return [msgspec.convert(row, Invoice) for row in rows.mappings()]


async def set_subscriptions(connection: AsyncConnection, given: Sequence[Subscription]) -> None:
    for each in given:
        values = msgspec.structs.asdict(each)
        await connection.execute(
            insert(subscription)
            .values(values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )


async def set_invoices(
    connection: AsyncConnection, account_id: str, given: Sequence[Invoice]
) -> None:
    """Write them; a draft that Stripe has no more is none of the books."""
    for each in given:
        values = msgspec.structs.asdict(each)
        await connection.execute(
            insert(invoice).values(values).on_conflict_do_update(index_elements=["id"], set_=values)
        )
    await connection.execute(
        delete(invoice).where(
            invoice.c.account_id == account_id,
            invoice.c.status == "draft",
            invoice.c.id.not_in([each.id for each in given]),
        )
    )


async def add_checkout(
    connection: AsyncConnection, session_id: str, account_id: str, now: datetime
) -> None:
    await connection.execute(
        insert(checkout_session)
        .values(id=session_id, account_id=account_id, created_at=now)
        .on_conflict_do_nothing()
    )


async def account_of_checkout(connection: AsyncConnection, session_id: str) -> str | None:
    found: str | None = await connection.scalar(
        select(checkout_session.c.account_id).where(checkout_session.c.id == session_id)
    )
    return found


async def accounts_to_watch(
    connection: AsyncConnection, trial_before: datetime, after: str, limit: int
) -> list[str]:
    """Name accounts whose trial ends by then, or where a payment is due, by id."""
    ends = (subscription.c.status == Status.TRIALING) & (subscription.c.trial_end <= trial_before)
    rows = await connection.scalars(
        select(subscription.c.account_id)
        .where(ends | (subscription.c.status == Status.PAST_DUE), subscription.c.account_id > after)
        .distinct()
        .order_by(subscription.c.account_id)
        .limit(limit)
    )
    return list(rows)
