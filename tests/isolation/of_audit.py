"""Twins of the audit log."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit import actions as audit
from control_plane.audit import repository
from control_plane.audit.repository import Sought
from control_plane.audit.rules import (
    BY_OPERATOR,
    TENANT,
    Anchor,
    Chain,
    Noted,
    chained,
    floor_at,
    head_after,
)
from tests.isolation.calls import NOW, Twin, in_control_plane
from tests.isolation.populated import Both
from tests.support import AUDIT_KEYS

_NOTED = Noted("client.enable", "client of B")


def _of_a(both: Both) -> Chain:
    return Chain(TENANT, both.a.tenant_id)


async def _add_event(connection: AsyncConnection, both: Both) -> None:
    """An event that names A's chain, added by B: it is in B's log, where it does not fit."""
    now = datetime.now(UTC)
    event = chained(_of_a(both), AUDIT_KEYS[0], None, by=BY_OPERATOR, noted=_NOTED, now=now)
    held = await repository.list_events(connection, _of_a(both), Sought(), before=2**62, limit=1)
    moved = msgspec.structs.replace(event, seq=held[0].seq + 1)
    await repository.add_event(connection, _of_a(both), moved)


async def _set_head(connection: AsyncConnection, both: Both) -> None:
    now = datetime.now(UTC)
    event = chained(_of_a(both), AUDIT_KEYS[0], None, by=BY_OPERATOR, noted=_NOTED, now=now)
    await repository.set_head(
        connection, _of_a(both), head_after(_of_a(both), AUDIT_KEYS[0], event)
    )


async def _set_floor(connection: AsyncConnection, both: Both) -> None:
    now = datetime.now(UTC)
    event = chained(_of_a(both), AUDIT_KEYS[0], None, by=BY_OPERATOR, noted=_NOTED, now=now)
    await repository.set_floor(connection, _of_a(both), floor_at(_of_a(both), AUDIT_KEYS[0], event))


def _anchor(both: Both) -> Anchor:
    return Anchor(chain=_of_a(both).name, seq=1, digest="", signature="", key_id="")


SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    audit.record: in_control_plane(lambda c, _: audit.record(c, BY_OPERATOR, _NOTED)),
    repository.add_event: in_control_plane(_add_event),
    repository.events_after: in_control_plane(
        lambda c, x: repository.events_after(c, _of_a(x), 0, 1000)
    ),
    repository.last_before: in_control_plane(lambda c, x: repository.last_before(c, _of_a(x), NOW)),
    repository.list_events: in_control_plane(
        lambda c, x: repository.list_events(c, _of_a(x), Sought(), before=2**62, limit=1000)
    ),
}

REFUSED: dict[Callable[..., Any], Twin] = {
    audit.record_as_login: in_control_plane(
        lambda c, _: audit.record_as_login(c, BY_OPERATOR, _NOTED)
    ),
    audit.record_of_account: in_control_plane(
        lambda c, _: audit.record_of_account(c, "operator", BY_OPERATOR, _NOTED)
    ),
    audit.record_of_person: in_control_plane(
        lambda c, _: audit.record_of_person(c, BY_OPERATOR, _NOTED)
    ),
    repository.keep_account: in_control_plane(lambda c, _: repository.keep_account(c, "operator")),
    repository.find_floor: in_control_plane(lambda c, x: repository.find_floor(c, _of_a(x))),
    repository.set_floor: in_control_plane(_set_floor),
    repository.forget_until: in_control_plane(lambda c, x: repository.forget_until(c, _of_a(x), 9)),
    repository.moved_heads: in_control_plane(lambda c, _: repository.moved_heads(c, 1000)),
    repository.set_anchored: in_control_plane(
        lambda c, x: repository.set_anchored(c, [_anchor(x)])
    ),
    repository.find_head: in_control_plane(lambda c, x: repository.find_head(c, _of_a(x))),
    repository.set_head: in_control_plane(_set_head),
}

TOUCHES_NO_TENANT: dict[Callable[..., Any], str] = {
    repository.lock_chain: "waits for a number",
    repository.see_one_moment: "chooses how the transaction reads",
}
