"""What support is shown of an account, as the support login; and its notes, which are ours.

`find_clients` is in the transaction of the tenant.
"""

from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.members.rules import Role
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.domain.limits import Enforcement
from shared.domain.plan import Environment, PlanName
from shared.domain.snapshot import TenantStatus
from shared.domain.suspension import SuspensionKind
from shared.runtime.tables.billing import billing_customer, subscription
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.people import member, person
from shared.runtime.tables.support_search import support_note
from shared.runtime.tables.tenant import client

_NOTES = 100  # that are shown, the newest


class SupportedAccount(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: datetime
    plan: PlanName
    enforcement: Enforcement
    overage_cap: int | None  # US cents a month
    suspended: SuspensionKind | None
    customer_id: str | None  # at Stripe


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member."""

    email: str
    role: Role
    is_verified: bool
    has_second_factor: bool
    created_at: datetime  # as a member
    signed_in_at: datetime | None


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    plan: str | None  # None: of no price of ours
    interval: str | None
    created_at: datetime
    period_end: datetime | None
    cancel_at_period_end: bool
    scheduled_plan: str | None
    trial_end: datetime | None
    past_due_since: datetime | None


class TenantLine(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant in the list of its account's."""

    slug: str | None  # None: it is deleted, and was let go
    name: str
    environment: Environment
    status: TenantStatus
    created_at: datetime
    deletes_at: datetime | None


class ClientLine(msgspec.Struct, frozen=True, kw_only=True):
    """A client in the list of its tenant's."""

    client_id: ClientId
    name: str
    enabled: bool
    auth_method: AuthMethod
    default_api: str | None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    account_id: str
    tenant_id: str | None  # None: of the account as a whole
    staff_id: str
    staff_email: str
    note: str
    created_at: datetime


async def find_supported_account(
    connection: AsyncConnection, account_id: str
) -> SupportedAccount | None:
    held = [name for name in SupportedAccount.__struct_fields__ if name != "customer_id"]
    found = await connection.execute(
        select(*(account.c[name] for name in held), billing_customer.c.customer_id)
        .outerjoin(billing_customer, billing_customer.c.account_id == account.c.id)
        .where(account.c.id == account_id)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, SupportedAccount)


async def list_people(connection: AsyncConnection, account_id: str) -> list[PersonRow]:
    """List the members by address. How they prove who they are is not to be seen, only whether."""
    rows = await connection.execute(
        select(
            person.c.email,
            member.c.role,
            person.c.verified_at.is_not(None).label("is_verified"),
            func.control.has_second_factor(person.c.id).label("has_second_factor"),
            member.c.created_at,
            person.c.signed_in_at,
        )
        .join(person, person.c.id == member.c.person_id)
        .where(member.c.account_id == account_id)
        .order_by(person.c.email)
    )
    return [msgspec.convert(row, PersonRow) for row in rows.mappings()]


async def last_subscription(connection: AsyncConnection, account_id: str) -> SubscriptionRow | None:
    fields = (subscription.c[name] for name in SubscriptionRow.__struct_fields__)
    found = await connection.execute(
        select(*fields)
        .where(subscription.c.account_id == account_id)
        .order_by(subscription.c.created_at.desc(), subscription.c.id)
        .limit(1)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, SubscriptionRow)


async def list_tenants_of(
    connection: AsyncConnection, account_id: str, *, offset: int, limit: int
) -> tuple[list[TenantLine], int]:
    """List the account's by slug, deleted ones last, and tell how many there are."""
    fields = (tenant.c[name] for name in TenantLine.__struct_fields__)
    own = tenant.c.account_id == account_id
    rows = await connection.execute(
        select(*fields)
        .where(own)
        .order_by(tenant.c.status == TenantStatus.DELETED, tenant.c.slug, tenant.c.id)
        .offset(offset)
        .limit(limit)
    )
    total = await connection.scalar(select(func.count()).select_from(tenant).where(own))
    return [msgspec.convert(row, TenantLine) for row in rows.mappings()], total or 0


async def find_clients(
    connection: AsyncConnection, search: str, *, offset: int, limit: int
) -> tuple[list[ClientLine], int]:
    """Give a page of the tenant's clients that have this in their name or id, by name."""
    fields = (client.c[name] for name in ClientLine.__struct_fields__)
    wanted = client.c.name.icontains(search, autoescape=True) | client.c.client_id.icontains(
        search, autoescape=True
    )
    rows = await connection.execute(
        select(*fields)
        .where(wanted)
        .order_by(client.c.name, client.c.client_id)
        .offset(offset)
        .limit(limit)
    )
    total = await connection.scalar(select(func.count()).select_from(client).where(wanted))
    return [msgspec.convert(row, ClientLine) for row in rows.mappings()], total or 0


async def list_notes(
    connection: AsyncConnection, account_id: str, tenant_id: str | None = None
) -> list[Note]:
    """List the account's, or those of one of its tenants: the newest first."""
    of_tenant = [support_note.c.tenant_id == tenant_id] if tenant_id else []
    rows = await connection.execute(
        select(support_note)
        .where(support_note.c.account_id == account_id, *of_tenant)
        .order_by(support_note.c.created_at.desc(), support_note.c.id)
        .limit(_NOTES)
    )
    return [msgspec.convert(row, Note) for row in rows.mappings()]


async def add_note(connection: AsyncConnection, new: Note) -> None:
    await connection.execute(insert(support_note).values(**msgspec.structs.asdict(new)))
