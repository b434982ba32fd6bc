"""Recording an event in the transaction of the change, reading the log and verifying it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit import repository
from control_plane.audit.repository import Sought
from control_plane.audit.rules import (
    ACCOUNT,
    BROKEN_PREVIOUS,
    TENANT,
    Actor,
    Chain,
    Event,
    Noted,
    Verification,
    chained,
    head_after,
    is_head_right,
    replaced_previous,
)
from control_plane.audit.verification import Walk
from shared.domain.ids import TenantId
from shared.runtime.config import Key
from shared.runtime.database import (
    Database,
    audit_keys_of,
    become_login,
    become_tenant,
    tenant_of,
)

_AT_ONCE = 1_000  # events that are read together
LAST = 2**62  # after every event


async def record(connection: AsyncConnection, by: Actor, noted: Noted) -> None:
    """Record what is changed in the tenant whose transaction it is, under its role."""
    await become_login(connection)
    await record_as_login(connection, by, noted)
    await become_tenant(connection, tenant_of(connection))


async def record_as_login(connection: AsyncConnection, by: Actor, noted: Noted) -> None:
    """The same in a transaction of the login that names the tenant's schema."""
    await _record(connection, Chain(TENANT, tenant_of(connection)), by, noted)


async def record_of_account(
    connection: AsyncConnection, account_id: str, by: Actor, noted: Noted
) -> None:
    """Record what is changed in the account, as the login."""
    await repository.keep_account(connection, account_id)
    await _record(connection, Chain(ACCOUNT, account_id), by, noted)


async def _record(connection: AsyncConnection, chain: Chain, by: Actor, noted: Noted) -> None:
    """Add the chain's next event.

    What follows a head that is not ours is chained to nothing: else it would hide what was done.
    """
    keys = audit_keys_of(connection)
    await repository.lock_chain(connection, chain)
    head = await repository.find_head(connection, chain)
    event = chained(chain, keys[0], head, by=by, noted=noted, now=datetime.now(UTC))
    if head is not None and not is_head_right(chain, keys, head):
        event = replaced_previous(chain, keys[0], event, BROKEN_PREVIOUS)
    await repository.add_event(connection, chain, event)
    await repository.set_head(connection, chain, head_after(chain, keys[0], event))


async def list_events(
    database: Database, chain: Chain, sought: Sought, *, before: int, limit: int
) -> list[Event]:
    async with _reading(database, chain) as connection:
        return await repository.list_events(connection, chain, sought, before=before, limit=limit)


async def all_events(database: Database, chain: Chain, sought: Sought) -> AsyncIterator[Event]:
    """Give all that are sought, the newest first, a thousand to a transaction."""
    before = LAST
    while page := await list_events(database, chain, sought, before=before, limit=_AT_ONCE):
        for event in page:
            yield event
        before = page[-1].seq


async def verify(database: Database, keys: tuple[Key, ...], chain: Chain) -> Verification:
    """Walk the whole chain. The head is read first: what is recorded meanwhile is behind it."""
    async with database.control() as connection:
        head = await repository.find_head(connection, chain)
    walk, last = Walk(chain, keys, head), 0
    while page := await _page_after(database, chain, last):
        for event in page:
            walk.take(event)
        last = page[-1].seq
    return walk.finish()


async def _page_after(database: Database, chain: Chain, seq: int) -> list[Event]:
    async with _reading(database, chain) as connection:
        return await repository.events_after(connection, chain, seq, _AT_ONCE)


def _reading(database: Database, chain: Chain) -> AbstractAsyncContextManager[AsyncConnection]:
    return database.control() if chain.kind == ACCOUNT else database.tenant(TenantId(chain.id))
