"""Rows of the audit log. Works in the transaction that it is given.

A tenant's events are in its schema, those of accounts and of staff in `control`. Events are added
and read here, and forgotten by a function of the database, which lets no young one go; it grants
nothing else.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.rules import ACCOUNT, STAFF, Anchor, Chain, Event, Head
from shared.runtime.tables.audit import account_event, audit_floor, audit_head
from shared.runtime.tables.control import account
from shared.runtime.tables.staff import staff_event
from shared.runtime.tables.tenant import audit_event

_HEAD = [audit_head.c[name] for name in Head.__struct_fields__]


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; what is empty is not asked about."""

    who: str = ""  # part of an e-mail address, or an id
    action: str = ""  # the beginning: `client` is all that was done to clients
    target: str = ""  # part of it
    since: datetime | None = None
    until: datetime | None = None


async def lock_chain(connection: AsyncConnection, chain: Chain) -> None:
    """Have whoever else would add to the chain wait until this transaction is over."""
    number = func.hashtextextended(f"audit|{chain.name}", 0)
    await connection.execute(select(func.pg_advisory_xact_lock(number)))


async def keep_account(connection: AsyncConnection, account_id: str) -> None:
    """Lock the account's row against change, as the login.

    Publishing a tenant does so too, and whoever changes the account does before recording it: the
    row comes before the chain for all, or two of them could wait for each other.
    """
    await connection.execute(
        select(account.c.id).where(account.c.id == account_id).with_for_update(read=True)
    )


async def add_event(connection: AsyncConnection, chain: Chain, event: Event) -> None:
    values = msgspec.structs.asdict(event)
    if chain.kind == ACCOUNT:
        values["account_id"] = chain.id
    await connection.execute(insert(_table(chain)).values(**values))


async def find_head(connection: AsyncConnection, chain: Chain) -> Head | None:
    """Find it, as the login."""
    found = await connection.execute(select(*_HEAD).where(audit_head.c.chain == chain.name))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, Head)


async def find_floor(connection: AsyncConnection, chain: Chain) -> Head | None:
    """Find where the chain begins; None where it still has its first event. As the login."""
    floors = [audit_floor.c[name] for name in Head.__struct_fields__]
    found = await connection.execute(select(*floors).where(audit_floor.c.chain == chain.name))
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, Head)


async def set_floor(connection: AsyncConnection, chain: Chain, floor: Head) -> None:
    """Move it up, as the login."""
    values = msgspec.structs.asdict(floor)
    await connection.execute(
        insert(audit_floor)
        .values(chain=chain.name, **values)
        .on_conflict_do_update(index_elements=["chain"], set_=values)
    )


async def forget_until(connection: AsyncConnection, chain: Chain, seq: int) -> int:
    """Forget the events up to this number, as the login; the database forgets no young one."""
    forgotten = await connection.scalar(
        select(func.control.forget_events(chain.kind, chain.id, seq))
    )
    return int(forgotten or 0)


async def last_before(connection: AsyncConnection, chain: Chain, before: datetime) -> Event | None:
    """Find the last event from before then: time never goes back in a chain."""
    table = _table(chain)
    found = await connection.execute(
        select(*_columns(table))
        .where(*_of(chain), table.c.at < before)
        .order_by(table.c.seq.desc())
        .limit(1)
    )
    row = found.mappings().first()
    return None if row is None else msgspec.convert(row, Event)


async def moved_heads(connection: AsyncConnection, limit: int) -> list[Anchor]:
    """Give some heads that moved since they were anchored, and hold them, as the login."""
    found = audit_head.c
    rows = await connection.execute(
        select(found.chain, found.seq, found.digest, found.signature, found.key_id)
        .where(found.seq > found.anchored_seq)
        .order_by(found.chain)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        Anchor(
            chain=row.chain,
            seq=row.seq,
            digest=row.digest.hex(),
            signature=row.signature.hex(),
            key_id=row.key_id,
        )
        for row in rows
    ]


async def set_anchored(connection: AsyncConnection, anchors: list[Anchor]) -> None:
    """Note that these are written down, as the login."""
    chains = [each.chain for each in anchors]
    await connection.execute(
        update(audit_head)
        .where(audit_head.c.chain.in_(chains))
        .values(anchored_seq=audit_head.c.seq)
    )


async def see_one_moment(connection: AsyncConnection) -> None:
    """Have the transaction, which has done nothing yet, see the database as it is now."""
    await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


async def set_head(connection: AsyncConnection, chain: Chain, head: Head) -> None:
    """Move it on, as the login."""
    values = msgspec.structs.asdict(head)
    await connection.execute(
        insert(audit_head)
        .values(chain=chain.name, **values)
        .on_conflict_do_update(index_elements=["chain"], set_=values)
    )


async def list_events(
    connection: AsyncConnection, chain: Chain, sought: Sought, *, before: int, limit: int
) -> list[Event]:
    """List the newest first, of those with a number below `before`."""
    table = _table(chain)
    rows = await connection.execute(
        select(*_columns(table))
        .where(*_of(chain), *_wanted(table, sought), table.c.seq < before)
        .order_by(table.c.seq.desc())
        .limit(limit)
    )
    return [msgspec.convert(row, Event) for row in rows.mappings()]


async def events_after(
    connection: AsyncConnection, chain: Chain, seq: int, limit: int
) -> list[Event]:
    """Give the events that follow this number, the oldest first."""
    table = _table(chain)
    rows = await connection.execute(
        select(*_columns(table))
        .where(*_of(chain), table.c.seq > seq)
        .order_by(table.c.seq)
        .limit(limit)
    )
    return [msgspec.convert(row, Event) for row in rows.mappings()]


def _table(chain: Chain) -> Table:
    if chain == STAFF:
        return staff_event
    return account_event if chain.kind == ACCOUNT else audit_event


def _columns(table: Table) -> list[Any]:
    return [table.c[name] for name in Event.__struct_fields__]


def _of(chain: Chain) -> list[ColumnElement[bool]]:
    return [account_event.c.account_id == chain.id] if chain.kind == ACCOUNT else []


def _wanted(table: Table, sought: Sought) -> list[ColumnElement[bool]]:
    found = table.c
    asked: list[ColumnElement[bool]] = []
    if sought.who:
        of_email = found.actor_email.icontains(sought.who, autoescape=True)
        asked.append(of_email | (found.actor_id == sought.who))
    if sought.action:
        asked.append(found.action.startswith(sought.action, autoescape=True))
    if sought.target:
        asked.append(found.target.icontains(sought.target, autoescape=True))
    if sought.since is not None:
        asked.append(found.at >= sought.since)
    if sought.until is not None:
        asked.append(found.at < sought.until)
    return asked
