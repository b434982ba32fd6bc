"""Recording an event in the transaction of the change, reading the log and verifying it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit import repository
from control_plane.audit.repository import Sought
from control_plane.audit.rules import (
    ACCOUNT,
    BROKEN_PREVIOUS,
    STAFF,
    TENANT,
    Actor,
    Anchor,
    Chain,
    Event,
    Noted,
    Verification,
    anchored,
    chained,
    floor_at,
    head_after,
    is_head_right,
    replaced_previous,
)
from control_plane.audit.verification import Walk
from control_plane.members import repository as members
from shared.domain.ids import TenantId
from shared.domain.refused import Refused
from shared.runtime.config import Key
from shared.runtime.database import (
    Database,
    audit_keys_of,
    become_login,
    become_tenant,
    tenant_of,
)


class ChainBroken(Refused):
    """An event is not as it was recorded."""


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


async def record_of_person(connection: AsyncConnection, by: Actor, noted: Noted) -> None:
    """Record what a person does about their own sign-in, in each account that they are in.

    In the order of their ids: two who record in several do not wait for each other.
    """
    held = await members.accounts_of(connection, by.id)
    for account_id in sorted(each.account_id for each in held):
        await record_of_account(connection, account_id, by, noted)


async def record_of_staff(connection: AsyncConnection, by: Actor, noted: Noted) -> None:
    """Record what our staff did or saw, as the control or the support login."""
    await _record(connection, STAFF, by, noted)


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


async def verify(
    database: Database,
    keys: tuple[Key, ...],
    chain: Chain,
    anchors: Sequence[Anchor] = (),
) -> Verification:
    """Walk the whole chain, as it is in one moment: meanwhile it may grow and lose its oldest."""
    async with database.control() as connection:
        await repository.see_one_moment(connection)
        head = await repository.find_head(connection, chain)
        floor = await repository.find_floor(connection, chain)
        walk = Walk(chain, keys, head, floor, anchored(chain, keys, anchors))
        await _become(connection, chain)
        await _walk(connection, chain, walk, LAST)
    return walk.finish()


async def forget_old(
    database: Database, keys: tuple[Key, ...], chain: Chain, before: datetime
) -> int:
    """Forget the events from before then, and sign where the chain begins now; tell how many.

    Raises ChainBroken, and forgets nothing, where one of them is not as it was recorded: it is
    what shows what was done.
    """
    async with database.control() as connection:
        await repository.lock_chain(connection, chain)
        held = await repository.find_floor(connection, chain)
        await _become(connection, chain)
        last = await repository.last_before(connection, chain, before)
        if last is None or (held is not None and last.seq <= held.seq):
            return 0
        walk = Walk(chain, keys, None, held)
        await _walk(connection, chain, walk, last.seq)
        if walk.broken is not None or walk.seq != last.seq:
            raise ChainBroken(f"the chain {chain.name} is not as it was recorded")
        await become_login(connection)
        await repository.set_floor(connection, chain, floor_at(chain, keys[0], last))
        return await repository.forget_until(connection, chain, last.seq)


async def new_anchors(database: Database, write: Callable[[Anchor], None]) -> int:
    """Write down the head of each chain that has moved since the last time; tell how many."""
    async with database.control() as connection:
        moved = await repository.moved_heads(connection, _AT_ONCE)
        for anchor in moved:
            write(anchor)
        await repository.set_anchored(connection, moved)
    return len(moved)


async def _walk(connection: AsyncConnection, chain: Chain, walk: Walk, until: int) -> None:
    """Take the events that follow, up to this number."""
    last = walk.seq
    while page := await repository.events_after(connection, chain, last, _AT_ONCE):
        for event in page:
            if event.seq <= until:
                walk.take(event)
        last = page[-1].seq
        if last >= until:
            return


async def _become(connection: AsyncConnection, chain: Chain) -> None:
    """Read a tenant's events under its role."""
    if chain.kind == TENANT:
        await become_tenant(connection, TenantId(chain.id))


def _reading(database: Database, chain: Chain) -> AbstractAsyncContextManager[AsyncConnection]:
    return database.tenant(TenantId(chain.id)) if chain.kind == TENANT else database.control()
