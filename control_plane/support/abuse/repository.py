"""What stands out over all tenants, as the support login: counts, and whose they are."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.support.abuse.rules import Board, Work
from shared.domain.snapshot import TenantStatus
from shared.runtime.tables.billing import metered_usage, stripe_event
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.ledger import rolled_up
from shared.runtime.tables.people import member, person

_BUSIEST = text("SELECT kind, tenant, total FROM ledger.busiest_tenants(:since)")
_COUNTED = text("SELECT ledger.last_counted()")
_DOMAINS = 20
LATEST = 1_000  # accounts whose members' domains are looked at


class Busy(msgspec.Struct, frozen=True):
    board: Board
    tenant_id: str
    total: int


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a tenant is: only what is needed to choose."""

    slug: str | None
    status: TenantStatus
    account_id: str
    account_name: str
    plan: str
    suspended: str | None
    throttled: bool  # support has set its rate


class Counted(msgspec.Struct, frozen=True):
    what: str
    count: int


async def busiest_tenants(connection: AsyncConnection, since: datetime) -> list[Busy]:
    """List the first of each board since an hour began, of today or yesterday.

    Whole days are read as they are rolled up; what is not yet, by the hour.
    """
    rows = await connection.execute(_BUSIEST, {"since": since})
    return [Busy(Board(row.kind), row.tenant, int(row.total)) for row in rows]


async def customers_of(
    connection: AsyncConnection, tenants: Sequence[str]
) -> dict[str, CustomerRow]:
    rows = await connection.execute(
        select(
            tenant.c.id,
            tenant.c.slug,
            tenant.c.status,
            tenant.c.account_id,
            account.c.name.label("account_name"),
            account.c.plan,
            account.c.suspended,
            account.c.overrides["rate"].is_not(None).label("throttled"),
        )
        .join(account, account.c.id == tenant.c.account_id)
        .where(tenant.c.id.in_(tenants))
    )
    return {row["id"]: msgspec.convert(row, CustomerRow) for row in rows.mappings()}


async def accounts_by_hour(connection: AsyncConnection, since: datetime) -> list[Counted]:
    """Count the accounts that were made, by hour, the latest first."""
    hour = func.date_trunc("hour", account.c.created_at, "UTC").label("hour")
    rows = await connection.execute(
        select(hour, func.count().label("made"))
        .where(account.c.created_at >= since)
        .group_by(hour)
        .order_by(hour.desc())
    )
    return [Counted(f"{row.hour:%Y-%m-%d %H:%M}", row.made) for row in rows]


async def accounts_by_domain(connection: AsyncConnection, since: datetime) -> list[Counted]:
    """Count the latest by the domain of their members' addresses, those with more than one."""
    latest = (
        select(account.c.id)
        .where(account.c.created_at >= since)
        .order_by(account.c.created_at.desc())
        .limit(LATEST)
        .subquery()
    )
    domain = func.split_part(person.c.email, "@", 2).label("domain")
    made = func.count(latest.c.id.distinct()).label("made")
    rows = await connection.execute(
        select(domain, made)
        .select_from(latest)
        .join(member, member.c.account_id == latest.c.id)
        .join(person, person.c.id == member.c.person_id)
        .group_by(domain)
        .having(made > 1)
        .order_by(made.desc(), domain)
        .limit(_DOMAINS)
    )
    return [Counted(row.domain, row.made) for row in rows]


async def waiting_work(connection: AsyncConnection, late: datetime) -> Work:
    """Count what has waited for the jobs since before then."""
    alive = tenant.c.status != TenantStatus.DELETED
    counts = {
        "accounts_due": select(func.count()).select_from(account).where(account.c.limits_due),
        "keys_due": select(func.count()).where(alive, tenant.c.keys_due_at < late),
        "deletions_due": select(func.count()).where(tenant.c.deletes_at < late),
        "events_due": select(func.count()).where(
            stripe_event.c.handled_at.is_(None), stripe_event.c.received_at < late
        ),
        "unsent": select(func.count()).where(
            metered_usage.c.sent_at.is_(None), metered_usage.c.at < late
        ),
        "rolled_until": select(rolled_up.c.until),
    }
    row = (
        await connection.execute(
            select(*(each.scalar_subquery().label(name) for name, each in counts.items()))
        )
    ).one()
    return Work(counted=await connection.scalar(_COUNTED), **row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
