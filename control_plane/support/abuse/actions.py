"""Looking over all tenants, and throttling the account of one that stands out."""

from datetime import datetime, timedelta

import msgspec

from control_plane.staff.grants import open_grant
from control_plane.support.abuse import repository
from control_plane.support.abuse.repository import Counted, CustomerRow
from control_plane.support.abuse.rules import Board, Line, Over, late_before, lines_of
from control_plane.support.limits.actions import throttle
from control_plane.support.shown import Act
from shared.domain.limits import Rate
from shared.runtime.database import Database

_SIGN_UPS = timedelta(hours=48)


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant on a board."""

    customer: CustomerRow
    total: int
    a_second: float  # on average


class Overlook(msgspec.Struct, frozen=True, kw_only=True):
    boards: dict[Board, list[Placed]]
    by_hour: list[Counted]  # accounts that were made
    by_domain: list[Counted]
    lines: list[Line]


async def look_over(database: Database, over: Over, now: datetime) -> Overlook:
    since = over.since(now)
    async with database.control() as connection:
        busy = await repository.busiest_tenants(connection, since)
        customers = await repository.customers_of(connection, [each.tenant_id for each in busy])
        by_hour = await repository.accounts_by_hour(connection, now - _SIGN_UPS)
        by_domain = await repository.accounts_by_domain(connection, now - _SIGN_UPS)
        work = await repository.waiting_work(connection, late_before(now))
    seconds = (now - since).total_seconds()
    boards: dict[Board, list[Placed]] = {board: [] for board in Board}
    for each in busy:
        if each.tenant_id in customers:
            boards[each.board].append(
                Placed(
                    customer=customers[each.tenant_id],
                    total=each.total,
                    a_second=each.total / seconds,
                )
            )
    return Overlook(boards=boards, by_hour=by_hour, by_domain=by_domain, lines=lines_of(work, now))


async def open_and_throttle(
    database: Database, act: Act, account_id: str, rate: Rate, until: datetime, now: datetime
) -> bool:
    """Open the account with the reason of the throttle, then throttle it; False: there is none.

    Nobody touches an account that they have not opened: who throttles it from the list of all
    opens it by that, and both logs have the two. Raises OverrideRefused.
    """
    if await open_grant(database, act.by, account_id, act.why, now) is None:
        return False
    await throttle(database, act, account_id, rate, until, now)
    return True
