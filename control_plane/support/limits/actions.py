"""Overriding an account's limits for a while, and ending that before its time (C3).

What is set holds for what is created at once; the jobs have the data plane know it, within a second
or two. Its end is the jobs' too, so that what was used until then is counted as it was allowed.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.accounts import repository as accounts
from control_plane.accounts.repository import LimitsRow
from control_plane.accounts.rules import OverrideRow
from control_plane.publishing.snapshots import tenants_behind
from control_plane.support.limits import repository
from control_plane.support.limits.rules import (
    NewOverride,
    OverrideRefused,
    ShownLimit,
    check_override,
    table_of,
)
from control_plane.support.shown import Act, defer
from shared.domain.limits import Rate
from shared.domain.plan import OverrideField
from shared.runtime.database import Database

PUBLISH_LIMITS = "publish_limits"  # the job's name
_PAST = 20  # overrides that are shown


class LimitsPage(msgspec.Struct, frozen=True, kw_only=True):
    lines: list[ShownLimit]
    past: list[OverrideRow]
    plan: str
    applying: bool  # some tenant's snapshot is from before the last change


async def show_overrides(database: Database, account_id: str) -> LimitsPage:
    """Raises OverrideRefused where there is no such account."""
    async with database.control() as connection:
        held = await accounts.find_limits(connection, account_id)
        if held is None:
            raise OverrideRefused("there is no such account")
        live = await accounts.live_overrides(connection, account_id)
        past = await repository.past_overrides(connection, account_id, _PAST)
        applying = await _is_applying(connection, account_id)
    by_field: Mapping[OverrideField, OverrideRow] = {each.field: each for each in live}
    return LimitsPage(lines=table_of(held, by_field), past=past, plan=held.plan, applying=applying)


async def _is_applying(connection: AsyncConnection, account_id: str) -> bool:
    """Tell whether what was changed of the account is not known to all of the data plane yet."""
    return bool(await tenants_behind(connection, account_id, after="", limit=1))


async def set_override(
    database: Database, act: Act, account_id: str, new: NewOverride, now: datetime
) -> None:
    """Set a limit until then; one that is set already gives way. Raises OverrideRefused."""
    async with database.control() as connection:
        check_override(await _lock(connection, account_id), new, now)
        former = await repository.find_live_override(connection, account_id, new.field)
        if former is not None:
            await repository.end_override(connection, account_id, new.field, now)
        row = OverrideRow(
            id=f"o_{secrets.token_hex(8)}",
            account_id=account_id,
            field=new.field,
            value=new.value,
            burst=new.burst,
            reason=act.why.reason,
            ticket=act.why.ticket,
            staff_id=act.by.id,
            staff_email=act.by.email,
            created_at=now,
            ends_at=new.until,
            ended_at=None,
        )
        await repository.add_override(connection, row)
        await accounts.mark_overrides(connection, account_id)
        await act.note_both(
            connection,
            account_id,
            "limit.override",
            f"limit {new.field}",
            before=None if former is None else former.facts,
            after=row.facts,
        )
        await defer(connection, PUBLISH_LIMITS, {"account_id": account_id})


async def throttle(
    database: Database, act: Act, account_id: str, rate: Rate, until: datetime, now: datetime
) -> None:
    """Have each tenant of the account be asked no faster until then. Raises OverrideRefused."""
    new = NewOverride(
        field=OverrideField.RATE, value=rate.per_second, burst=rate.burst, until=until
    )
    await set_override(database, act, account_id, new, now)


async def end_override(
    database: Database, act: Act, account_id: str, field: OverrideField, now: datetime
) -> None:
    """Have the jobs end it now. Raises OverrideRefused where none is live."""
    async with database.control() as connection:
        await _lock(connection, account_id)
        held = await repository.find_live_override(connection, account_id, field)
        if held is None:
            raise OverrideRefused("there is no such override any more")
        await repository.set_override_end(connection, account_id, field, now)
        target = f"limit {field}"
        await act.note_both(connection, account_id, "limit.end_override", target, before=held.facts)
        await defer(connection, PUBLISH_LIMITS, {"account_id": account_id})


async def _lock(connection: AsyncConnection, account_id: str) -> LimitsRow:
    held = await accounts.lock_limits(connection, account_id)
    if held is None:
        raise OverrideRefused("there is no such account")
    return held
