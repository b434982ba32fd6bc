"""Gathering what support is shown of an account and of a tenant; writing notes."""

import secrets
from datetime import datetime, timedelta

import msgspec

from control_plane.http.paging import SIZE, Listed
from control_plane.keys.repository import list_keys
from control_plane.keys.rules import Schedule
from control_plane.overview.rules import Rotation, rotations
from control_plane.support.customer import repository
from control_plane.support.customer.repository import (
    ClientLine,
    Note,
    PersonRow,
    SubscriptionRow,
    SupportedAccount,
    TenantLine,
)
from control_plane.support.customer.rules import Health, health_of, read_note
from control_plane.support.diagnosis.actions import Looked, look
from control_plane.support.diagnosis.repository import SupportedTenant, counts_since
from control_plane.support.diagnosis.seen import Asked
from control_plane.support.limits.actions import LimitsPage, show_overrides
from control_plane.support.shown import Act
from shared.runtime.database import Database

_DAY = 24  # hours
_NO_CLIENTS = Listed[ClientLine](rows=[], total=0, number=1)


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    account: SupportedAccount
    limits: LimitsPage
    people: list[PersonRow]
    subscription: SubscriptionRow | None
    tenants: Listed[TenantLine]
    notes: list[Note]


class TenantPage(msgspec.Struct, frozen=True, kw_only=True):
    looked: Looked
    hour: Health  # this one and the last
    day: Health
    today: int  # tokens
    rotations: list[Rotation]
    clients: Listed[ClientLine]
    notes: list[Note]


async def show_account(database: Database, account_id: str, number: int) -> AccountPage | None:
    """Give what is shown of an account, with a page of its tenants; None: there is no such."""
    async with database.control() as connection:
        account = await repository.find_supported_account(connection, account_id)
        if account is None:
            return None
        people = await repository.list_people(connection, account_id)
        subscription = await repository.last_subscription(connection, account_id)
        rows, total = await repository.list_tenants_of(
            connection, account_id, offset=(number - 1) * SIZE, limit=SIZE
        )
        notes = await repository.list_notes(connection, account_id)
    return AccountPage(
        account=account,
        limits=await show_overrides(database, account_id),
        people=people,
        subscription=subscription,
        tenants=Listed(rows=rows, total=total, number=number),
        notes=notes,
    )


async def show_tenant(
    database: Database, tenant: SupportedTenant, search: str, number: int, now: datetime
) -> TenantPage:
    """Give what is shown of a tenant, with a page of its clients; a deleted one has none left."""
    looked = await look(database, tenant, Asked(), now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    async with database.control() as connection:
        notes = await repository.list_notes(connection, tenant.account_id, tenant.id)
    day, today, clients, keys = {}, {}, _NO_CLIENTS, []
    if not tenant.is_deleted:
        async with database.tenant(tenant.id) as connection:
            day = await counts_since(connection, hour - timedelta(hours=_DAY - 1))
            today = await counts_since(connection, hour.replace(hour=0))
            rows, total = await repository.find_clients(
                connection, search, offset=(number - 1) * SIZE, limit=SIZE
            )
            clients = Listed(rows=rows, total=total, number=number)
            keys = await list_keys(connection)
    return TenantPage(
        looked=looked,
        hour=health_of(looked.seen.counts),
        day=health_of(day),
        today=today.get("issued", 0),
        rotations=rotations(keys, Schedule()),
        clients=clients,
        notes=notes,
    )


async def write_note(
    database: Database,
    act: Act,
    account_id: str,
    text: str,
    now: datetime,
    tenant: SupportedTenant | None = None,
) -> None:
    """Keep a note of the account, or of one of its tenants. Raises NoteRefused.

    The customer's log does not have it: it is ours.
    """
    new = Note(
        id=f"n_{secrets.token_hex(8)}",
        account_id=account_id,
        tenant_id=tenant.id if tenant else None,
        staff_id=act.by.id,
        staff_email=act.by.email,
        note=read_note(text),
        created_at=now,
    )
    target = f"tenant {tenant.slug}" if tenant else f"account {account_id}"
    async with database.control() as connection:
        await repository.add_note(connection, new)
        await act.note(connection, "note.write", target, after={"note": new.id})
