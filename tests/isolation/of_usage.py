"""Twins of the ledger as the control plane reads it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.overview import repository as overview
from control_plane.usage import actions
from control_plane.usage import repository as usage
from control_plane.usage.months import Span, Total
from control_plane.usage.rules import FIRST_ID, LAST_ID, Sought, Window
from tests.isolation.calls import LONG_AGO, NOW, SOON, Twin, in_control_plane

EVER = Window(FIRST_ID, LAST_ID)
EVER_DAYS = Span(LONG_AGO.date(), SOON.date() + timedelta(days=1))
EVER_MONTHS = Span(LONG_AGO.date(), SOON.date().replace(year=SOON.year + 1, day=1))
_THIS_MONTH = f"{NOW:%Y-%m}"
EVERYTHING = ("day", "client_id", "api", "event")


async def _of_each_roll_up(connection: AsyncConnection, _: object) -> list[Total]:
    by_day = await usage.sum_usage(connection, EVER_DAYS, EVERYTHING, {})
    of_all = await usage.sum_usage(connection, EVER_DAYS, ("day", "event"), {})
    return by_day + of_all + await usage.sum_usage(connection, EVER_MONTHS, ("client_id",), {})


SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    usage.find_issued: in_control_plane(lambda c, x: usage.find_issued(c, UUID(x.a.issued))),
    usage.find_refused: in_control_plane(lambda c, x: usage.find_refused(c, UUID(x.a.refused))),
    usage.first_hour: in_control_plane(lambda c, _: usage.first_hour(c)),
    usage.hours_of_client: in_control_plane(
        lambda c, x: usage.hours_of_client(c, x.a.client_id, LONG_AGO, SOON)
    ),
    usage.hours_of_tenant: in_control_plane(lambda c, _: usage.hours_of_tenant(c, LONG_AGO, SOON)),
    usage.list_issued: in_control_plane(
        lambda c, x: usage.list_issued(c, EVER, x.a.client_id, 1000)
    ),
    usage.list_refused: in_control_plane(
        lambda c, x: usage.list_refused(c, EVER, Sought(client_id=x.a.client_id), 1000)
    ),
    usage.nth_refused: in_control_plane(lambda c, _: usage.nth_refused(c, EVER, 1)),
    usage.names_of_clients: in_control_plane(
        lambda c, x: usage.names_of_clients(c, [x.a.client_id])
    ),
    usage.sum_usage: in_control_plane(_of_each_roll_up),
    usage.eager_clients: in_control_plane(lambda c, _: usage.eager_clients(c, EVER_DAYS, 1000)),
    actions.eager_of_month: in_control_plane(
        lambda c, _: actions.eager_of_month(c, _THIS_MONTH, NOW.date())
    ),
    actions.latencies_of: in_control_plane(lambda c, _: actions.latencies_of(c, NOW.date())),
    actions.month_usage: in_control_plane(lambda c, _: actions.month_usage(c, _THIS_MONTH)),
    overview.what_is_made: in_control_plane(lambda c, _: overview.what_is_made(c)),
}

REFUSED: dict[Callable[..., Any], Twin] = {
    usage.drop_partition: in_control_plane(
        lambda c, _: usage.drop_partition(c, "issued", LONG_AGO)
    ),
    usage.roll_up: in_control_plane(lambda c, _: usage.roll_up(c, LONG_AGO.date())),
    usage.forget_months: in_control_plane(lambda c, _: usage.forget_months(c, NOW)),
}

TOUCHES_NO_TENANT: dict[Callable[..., Any], str] = {
    usage.rolled_until: "reads a day, which is the same for all",
}
