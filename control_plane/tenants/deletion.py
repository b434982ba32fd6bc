"""Deleting a tenant: at once, or in a week unless that is undone; until then it issues nothing."""

from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import BY_OPERATOR, BY_SCHEDULE, Actor, ActorKind, Noted
from control_plane.limits.actions import take_room_for_tenant
from control_plane.mail.actions import queue_letter
from control_plane.members.repository import list_members
from control_plane.members.rules import Role
from control_plane.publishing.snapshots import UnknownTenant, edit_tenant, set_status
from control_plane.secrets.repository import forget_uses
from control_plane.tenants import repository
from control_plane.tenants.actions import InvalidTenant, record_both, show_tenant
from control_plane.tenants.letters import deletion_asked
from control_plane.tenants.repository import TenantRow
from shared.domain.management import SYSTEM_SLUG
from shared.domain.snapshot import TenantStatus
from shared.runtime.database import DATABASE_TROUBLE, Database, become_login, become_tenant

UNDO_FOR = timedelta(days=7)
# They take no room in the plan, so that a new one can be made at once; without a bound an account
# would fill the database with what is on its way out.
_MOST_AT_ONCE = 20
_PIECE = 100  # tenants that are looked up together


async def delete_tenant(database: Database, slug: str, by: Actor = BY_OPERATOR) -> None:
    """Drop all that the tenant owns, at once. Its slug stays taken for 90 days."""
    _check_not_ours(slug)
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await _remove(connection, tenant, by)


async def ask_deletion(
    database: Database, slug: str, now: datetime, console_url: str, by: Actor = BY_OPERATOR
) -> None:
    """Issue no more, and have the tenant go in a week. The key set stays until then.

    The account's owners are written to: it may be none of them who asks. Asked for twice, the first
    time counts. Raises UnknownTenant or InvalidTenant.
    """
    _check_not_ours(slug)
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await become_login(connection)
        others = await repository.deletions_of(connection, tenant.account_id)
        held = await repository.find_tenant(connection, slug)
        if held is None or held.deletes_at is not None:
            return
        if len(others) >= _MOST_AT_ONCE:
            raise InvalidTenant(
                f"{_MOST_AT_ONCE} tenants are on their way out already;"
                f" the first of them is gone on {others[0]:%Y-%m-%d}"
            )
        goes = now + UNDO_FOR
        await repository.set_deletion(connection, tenant.id, goes)
        noted = Noted("tenant.ask_deletion", f"tenant {slug}", after={"deletes_at": goes})
        await record_both(connection, tenant.account_id, by, noted)
        for each in await list_members(connection, tenant.account_id):
            if each.role is Role.OWNER:
                letter = deletion_asked(
                    each.email, console_url=console_url, slug=slug, who=by.name, goes=goes
                )
                await queue_letter(connection, letter)


async def delete_as_approved(
    database: Database, request_id: str, now: datetime, console_url: str
) -> None:
    """Have a tenant go in a week, as two of the staff have agreed; done once, however often called.

    What cannot be done is written to the request, for who has asked to read.
    """
    async with database.control() as connection:
        asked = await repository.approved_deletion(connection, request_id)
    if asked is None:
        return
    by = Actor(kind=ActorKind.STAFF, id=asked.decided_by, email=asked.decided_email)
    outcome = "its deletion has begun"
    try:
        held = await show_tenant(database, asked.slug)
        if held.id == asked.tenant_id:
            await ask_deletion(database, asked.slug, now, console_url, by)
        else:
            outcome = "it is gone, and its slug is another's"
    except (UnknownTenant, InvalidTenant) as refusal:
        outcome = str(refusal)
    async with database.control() as connection:
        await repository.set_deletion_outcome(connection, request_id, outcome)


async def undo_deletion(database: Database, slug: str, by: Actor = BY_OPERATOR) -> None:
    """Keep it, as it was before: it issues again unless it was suspended.

    Raises UnknownTenant or, where another has taken its room meanwhile, LimitReached.
    """
    tenant = await show_tenant(database, slug)
    async with edit_tenant(database, tenant.id) as connection:
        await become_login(connection)
        held = await repository.find_tenant(connection, slug)
        if held is None or held.deletes_at is None:
            return
        await take_room_for_tenant(connection, held.account_id, held.environment)
        await repository.set_deletion(connection, tenant.id, None)
        before = {"deletes_at": held.deletes_at}
        noted = Noted("tenant.undo_deletion", f"tenant {slug}", before=before)
        await record_both(connection, tenant.account_id, by, noted)


async def delete_due(database: Database, now: datetime) -> int:
    """Delete those whose week is over, a transaction for each; give how many it was.

    Whoever is killed on the way leaves each whole or gone, and the next call goes on. Where the
    database refuses one, the others go all the same, and then its error is raised.
    """
    async with database.control() as connection:
        due = await repository.deletions_due(connection, now, _PIECE)
    deleted, trouble = 0, None
    for tenant in due:
        try:
            deleted += await _delete_if_due(database, tenant, now)
        except DATABASE_TROUBLE as error:
            trouble = error
    if trouble is not None:
        raise trouble
    return deleted


async def _delete_if_due(database: Database, tenant: TenantRow, now: datetime) -> bool:
    """Look again under the tenant's lock: its owner may have kept it in the last moment."""
    with suppress(UnknownTenant):  # another worker was first
        async with edit_tenant(database, tenant.id) as connection:
            await become_login(connection)
            held = await repository.find_tenant(connection, tenant.slug)
            if held is not None and held.deletes_at is not None and held.deletes_at <= now:
                await become_tenant(connection, tenant.id)
                await _remove(connection, held, BY_SCHEDULE)
                return True
    return False


async def _remove(connection: AsyncConnection, tenant: TenantRow, by: Actor) -> None:
    """Remove it in the transaction that edits it, under the tenant's role."""
    await forget_uses(connection)
    await become_login(connection)
    await set_status(connection, tenant.id, TenantStatus.DELETED)
    await repository.drop_schema(connection, tenant.id)
    noted = Noted("tenant.delete", f"tenant {tenant.slug}", before={"name": tenant.name})
    await record_of_account(connection, tenant.account_id, by, noted)


def _check_not_ours(slug: str) -> None:
    if slug == SYSTEM_SLUG:
        raise InvalidTenant("the built-in tenant cannot be deleted: the product is its client")
