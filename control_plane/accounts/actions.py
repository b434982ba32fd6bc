"""Creating and finding accounts, the customers that pay and have tenants, and their limits."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from secrets import token_hex
from typing import Any, TypeAlias

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository
from control_plane.accounts.repository import AccountRow
from control_plane.accounts.rules import LimitsChange, changed, check_name, with_plan
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import BY_OPERATOR, BY_SCHEDULE, Actor, Noted, differing
from control_plane.publishing.snapshots import UnknownTenant, edit_tenant, tenants_behind
from shared.domain.ids import TenantId
from shared.domain.limits import TenantLimits
from shared.domain.plan import AccountLimits, HeldLimits, PlanName, tenant_limits
from shared.domain.refused import Refused
from shared.runtime.database import Database

_ID_BYTES = 8
_PAGE = 100  # tenants, or accounts

BeforeChange: TypeAlias = Callable[[AsyncConnection, str, datetime], Awaitable[None]]


class UnknownAccount(Refused):
    """There is no such account."""


_UNKNOWN = "there is no such account"


class AccountDetails(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountRow
    chosen: HeldLimits
    limits: TenantLimits  # what comes of it


async def create_account(database: Database, name: str, by: Actor = BY_OPERATOR) -> str:
    """Create an account and give its id. Raises InvalidAccount."""
    check_name(name)
    account_id = f"a_{token_hex(_ID_BYTES)}"
    async with database.control() as connection:
        await repository.add_account(connection, account_id, name)
        noted = Noted("account.create", f"account {account_id}", after={"name": name})
        await record_of_account(connection, account_id, by, noted)
    return account_id


async def show_account(database: Database, account_id: str) -> AccountRow:
    """Raises UnknownAccount."""
    async with database.control() as connection:
        found = await repository.find_account(connection, account_id)
    if found is None:
        raise UnknownAccount(_UNKNOWN)
    return found


async def show_limits(database: Database, account_id: str) -> AccountDetails:
    """Raises UnknownAccount."""
    async with database.control() as connection:
        found = await repository.find_account(connection, account_id)
        if found is None:
            raise UnknownAccount(_UNKNOWN)
        chosen = await chosen_limits(connection, account_id)
    return AccountDetails(account=found, chosen=chosen, limits=tenant_limits(chosen))


async def chosen_limits(connection: AsyncConnection, account_id: str) -> HeldLimits:
    """Raises UnknownAccount."""
    limits = await repository.find_limits(connection, account_id)
    if limits is None:
        raise UnknownAccount(_UNKNOWN)
    return msgspec.convert(limits, HeldLimits, from_attributes=True)


async def list_accounts(database: Database, *, after: str, limit: int) -> list[AccountRow]:
    async with database.control() as connection:
        return await repository.list_accounts(connection, after=after, limit=limit)


async def set_plan(
    database: Database, account_id: str, plan: PlanName, by: Actor = BY_OPERATOR
) -> int:
    """Move the account to another plan, and tell all its tenants; give how many were told.

    Raises UnknownAccount or InvalidAccount.
    """
    async with database.control() as connection:
        await change_plan(connection, account_id, plan, by)
    return await publish_limits(database, account_id)


async def set_limits(
    database: Database, account_id: str, change: LimitsChange, by: Actor = BY_OPERATOR
) -> int:
    """Change the account's limits, and tell all its tenants; give how many were told.

    Raises UnknownAccount or InvalidLimit.
    """
    async with database.control() as connection:
        await change_limits(connection, account_id, change, by)
    return await publish_limits(database, account_id)


async def publish_limits(database: Database, account_id: str) -> int:
    """Publish anew each tenant whose snapshot is from before the account's limits.

    One transaction for each tenant. Whoever is killed half-way leaves the account marked, and the
    jobs, or the same command again, go on where it ended.
    """
    async with database.control() as connection:
        limits = await repository.find_limits(connection, account_id)
    if limits is None:
        raise UnknownAccount(_UNKNOWN)
    told, after = 0, ""
    while page := await _behind(database, account_id, after):
        for tenant in page:
            with suppress(UnknownTenant):  # deleted meanwhile
                async with edit_tenant(database, tenant):
                    told += 1
        after = page[-1]
    async with database.control() as connection:
        await repository.set_published(connection, account_id, limits.limits_version)
    return told


async def publish_due_limits(database: Database) -> int:
    """Finish what was cut off: give how many tenants were told."""
    async with database.control() as connection:
        due = await repository.accounts_due(connection, _PAGE)
    return sum([await publish_limits(database, account_id) for account_id in due])


async def end_due_overrides(database: Database, now: datetime, before: BeforeChange) -> int:
    """End the overrides whose time is over; give how many. `publish_due_limits` is to follow.

    One transaction for each account; `before` is called in it first: what was used until now is
    counted by the limits that held until now.
    """
    async with database.control() as connection:
        due = await repository.accounts_with_due_overrides(connection, now, _PAGE)
    ended = 0
    for account_id in due:
        async with database.control() as connection:
            await before(connection, account_id, now)
            await repository.lock_limits(connection, account_id)
            over = await repository.end_due_overrides(connection, account_id, now)
            if over:  # else another worker was quicker
                await repository.mark_overrides(connection, account_id)
            for each in over:
                noted = Noted("limit.override_over", f"limit {each.field}", before=each.facts)
                await record_of_account(connection, account_id, BY_SCHEDULE, noted)
            ended += len(over)
    return ended


async def change_plan(
    connection: AsyncConnection, account_id: str, plan: PlanName, by: Actor
) -> None:
    """Change it in a transaction of the login; `publish_limits` is to follow its commit.

    Raises UnknownAccount or InvalidAccount.
    """
    await _change(connection, account_id, lambda held: with_plan(held, account_id, plan), by)


async def change_limits(
    connection: AsyncConnection, account_id: str, change: LimitsChange, by: Actor
) -> None:
    """The same of its limits. Raises UnknownAccount or InvalidLimit."""
    await _change(connection, account_id, lambda held: changed(held, change), by)


async def _change(
    connection: AsyncConnection,
    account_id: str,
    change: Callable[[AccountLimits], AccountLimits],
    by: Actor,
) -> None:
    held = await repository.lock_limits(connection, account_id)
    if held is None:
        raise UnknownAccount(_UNKNOWN)
    new = change(held)
    await repository.set_limits(connection, account_id, new)
    before, after = differing(_facts_of(held), _facts_of(new))
    noted = Noted("account.change_limits", f"account {account_id}", before, after)
    await record_of_account(connection, account_id, by, noted)


def _facts_of(limits: AccountLimits) -> dict[str, Any]:
    """Give what the audit log says of them: not what is kept of their publishing."""
    return {name: getattr(limits, name) for name in AccountLimits.__struct_fields__}


async def _behind(database: Database, account_id: str, after: str) -> list[TenantId]:
    async with database.control() as connection:
        return await tenants_behind(connection, account_id, after=after, limit=_PAGE)
