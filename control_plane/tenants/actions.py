"""Provisioning a tenant, suspending and renaming it, one transaction for each verb."""

import asyncio
import os
from collections.abc import Callable
from typing import TypeAlias

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts.actions import show_account
from control_plane.audit.actions import record_as_login, record_of_account
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted
from control_plane.keys.actions import make_signing_key
from control_plane.keys.repository import add_current_key
from control_plane.limits.actions import take_room_for_tenant
from control_plane.publishing.revocations import refuse_until_now
from control_plane.publishing.snapshots import (
    UnknownTenant,
    VersionedLimits,
    edit_tenant,
    limits_of,
    publish_snapshot,
    set_status,
)
from control_plane.tenants import repository
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import TenantId, tenant_id
from shared.domain.issuer import parse_slug
from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key
from shared.domain.management import OPERATOR
from shared.domain.name import NAME_RULE, is_name
from shared.domain.plan import Environment
from shared.domain.refused import Refused
from shared.domain.snapshot import IssuerSnapshot, SigningKey, TenantStatus
from shared.runtime.database import Database, become_login, name_schema
from shared.runtime.sealing import Sealer

# Both from the first day: Spring fixes its set of algorithms when its decoder is built.
_FIRST_KEYS = (Algorithm.ES256, Algorithm.RS256)

Generate: TypeAlias = Callable[[Algorithm], PrivateKey]  # or the stock's; see keys/stock.py


class SlugTaken(Refused):
    """Another tenant has the slug, or had it less than 90 days ago."""


class InvalidTenant(Refused):
    """The tenant cannot be made so; the message says why."""


class NewTenant(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    name: str
    account: str = OPERATOR
    environment: Environment = Environment.TEST


async def create_tenant(
    database: Database,
    sealer: Sealer,
    new: NewTenant,
    generate: Generate = generate_private_key,
    by: Actor = BY_OPERATOR,
) -> TenantId:
    """Provision a tenant for an account; its keys come from `generate`, in a thread.

    Raises MalformedSlug, InvalidTenant, UnknownAccount, SlugTaken or LimitReached.
    """
    parse_slug(new.slug)
    if not is_name(new.name):
        raise InvalidTenant(NAME_RULE)
    if new.account != OPERATOR:
        await show_account(database, new.account)
    return await provision_tenant(database, sealer, new, generate, by)


async def provision_tenant(
    database: Database,
    sealer: Sealer,
    new: NewTenant,
    generate: Generate = generate_private_key,
    by: Actor = BY_OPERATOR,
) -> TenantId:
    """Make what has been checked: row, role, schema, tables and first keys, all or nothing.

    Raises SlugTaken or LimitReached.
    """
    made = tenant_id(os.urandom(8))
    # RSA takes longer than all the SQL, so it runs beside it
    making = asyncio.create_task(asyncio.to_thread(_first_keys, made, sealer, generate))
    try:
        async with database.control() as connection:
            await take_room_for_tenant(connection, new.account, new.environment)
            added = await repository.add_tenant(
                connection, made, new.slug, new.name, new.account, new.environment
            )
            if not added:
                raise SlugTaken(f"the slug {new.slug!r} is taken")
            await repository.create_schema(connection, made)
            # As the login, which owns what it has just made. After a role was made, the first who
            # takes any has PostgreSQL look at all of them: 46 ms among 10,000 (decision 13).
            await name_schema(connection, made)
            keys = await making
            for key in keys:
                await add_current_key(connection, key)
            limits = await limits_of(connection, new.account)
            first = _first_version(made, new, keys, limits)
            await publish_snapshot(connection, first, limits.version)
            noted = Noted("tenant.create", f"tenant {new.slug}", after={"name": new.name})
            await record_both(connection, new.account, by, noted)
    finally:
        await asyncio.gather(making, return_exceptions=True)
    return made


def _first_keys(tenant: TenantId, sealer: Sealer, generate: Generate) -> list[SigningKey]:
    keys = [make_signing_key(algorithm, tenant, sealer, generate) for algorithm in _FIRST_KEYS]
    return sorted(keys, key=lambda key: key.kid)  # as every later version has them


def _first_version(
    tenant: TenantId, new: NewTenant, keys: list[SigningKey], limits: VersionedLimits
) -> IssuerSnapshot:
    return IssuerSnapshot(
        tenant_id=tenant,
        slug=new.slug,
        account_id=new.account,
        version=1,
        status=TenantStatus.SUSPENDED if limits.stopped else TenantStatus.ACTIVE,
        signing_keys=tuple(keys),
        scopes=(),
        limits=limits.of_tenant,
    )


async def suspend_tenant(database: Database, slug: str, by: Actor = BY_OPERATOR) -> None:
    """Stop issuing. The key set stays, so that live tokens verify; resuming undoes it."""
    await _move_to(database, slug, TenantStatus.SUSPENDED, by)


async def resume_tenant(database: Database, slug: str, by: Actor = BY_OPERATOR) -> None:
    await _move_to(database, slug, TenantStatus.ACTIVE, by)


async def rename_tenant(database: Database, slug: str, name: str, by: Actor = BY_OPERATOR) -> None:
    """Give it another name for people; its slug, and so its issuer, never changes.

    Raises UnknownTenant or InvalidTenant.
    """
    if not is_name(name):
        raise InvalidTenant(NAME_RULE)
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await become_login(connection)
        await repository.set_name(connection, tenant.id, name)
        noted = Noted("tenant.rename", f"tenant {slug}", {"name": tenant.name}, {"name": name})
        await record_both(connection, tenant.account_id, by, noted)


async def revoke_tokens(database: Database, slug: str, by: Actor = BY_OPERATOR) -> None:
    """Refuse every token that the tenant has issued until now."""
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await refuse_until_now(connection, tenant.id, "tenant", "")
        await become_login(connection)
        noted = Noted("tenant.revoke_tokens", f"tenant {slug}")
        await record_both(connection, tenant.account_id, by, noted)


async def show_tenant(database: Database, slug: str) -> TenantRow:
    """Raises UnknownTenant."""
    async with database.control() as connection:
        found = await repository.find_tenant(connection, slug)
    if found is None:
        raise UnknownTenant("there is no such tenant")
    return found


async def list_tenants(database: Database, *, after: str, limit: int) -> list[TenantRow]:
    async with database.control() as connection:
        return await repository.list_tenants(connection, after=after, limit=limit)


async def _move_to(database: Database, slug: str, status: TenantStatus, by: Actor) -> None:
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await become_login(connection)
        held = await repository.find_tenant(connection, slug)
        if held is not None and held.deletes_at is not None:
            raise InvalidTenant("the tenant is on its way out: undo its deletion first")
        if status is TenantStatus.ACTIVE and await _is_stopped(connection, tenant.account_id):
            raise InvalidTenant("support has suspended the account: it has to restore it first")
        await set_status(connection, tenant.id, status)
        before, after = {"status": tenant.status}, {"status": status}
        noted = Noted("tenant.set_status", f"tenant {slug}", before, after)
        await record_both(connection, tenant.account_id, by, noted)


async def _is_stopped(connection: AsyncConnection, account_id: str) -> bool:
    return (await limits_of(connection, account_id)).stopped


async def record_both(
    connection: AsyncConnection, account_id: str, by: Actor, noted: Noted
) -> None:
    """Record it in both logs, as the login: the tenant's goes when the tenant does."""
    await record_as_login(connection, by, noted)
    await record_of_account(connection, account_id, by, noted)
