"""A tenant's usage (A11): a month by day, client and API, as charts, tables and a file."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.members.rules import Permission
from control_plane.tenancy.actions import own_tenant
from control_plane.usage.actions import all_usage, eager_clients, month_usage
from control_plane.usage.charts import Chart, stacked
from control_plane.usage.exports import csv_lines
from control_plane.usage.forms import month_of
from control_plane.usage.log_pages import LOG_PAGES
from control_plane.usage.months import (
    EAGER,
    INTROSPECTED,
    ISSUED,
    LIMITED,
    REFUSED,
    MonthUsage,
    neighbours,
)
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_LOGS}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/usage", opt=_SEE)
async def usage_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
    slug: FromPath[str],
) -> Response[str]:
    tenant, now = await own_tenant(database, request, slug), clock()
    month, this_month = month_of(request.query_params.get("month", ""), now), month_of("", now)
    async with database.tenant(tenant.id) as connection:
        usage = await month_usage(connection, month)
        eager = await eager_clients(connection, month, now.date())
    previous, following = neighbours(month)
    return pages.show(
        request,
        "usage/usage.html",
        tenant=tenant,
        base=f"/tenants/{tenant.slug}/usage",
        month=month,
        this_month=this_month,
        previous=previous,
        following=following if following <= this_month else "",
        usage=usage,
        totals=_totals(usage),
        charts=_charts(usage),
        eager=eager,
        eager_from=EAGER,
    )


@get("/tenants/{slug:str}/usage/export", opt=_SEE)
async def export_usage(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
    slug: FromPath[str],
) -> Stream:
    """Give all that was counted in the month, as CSV."""
    tenant = await own_tenant(database, request, slug)
    month = month_of(request.query_params.get("month", ""), clock())
    name = f"usage-{tenant.slug}-{month}.csv"
    return Stream(
        csv_lines(all_usage(database, tenant.id, month)),
        media_type="text/csv; charset=utf-8",
        headers=dict(pages.headers) | {"Content-Disposition": f'attachment; filename="{name}"'},
    )


USAGE_PAGES = [usage_page, export_usage, *LOG_PAGES]


def _totals(usage: MonthUsage) -> list[tuple[str, int]]:
    return [
        ("Tokens issued", sum(usage.counted(ISSUED).values())),
        ("Refused", sum(usage.counted(prefix=REFUSED).values())),
        ("Rate-limited", sum(usage.counted(LIMITED).values())),
        ("Introspections", sum(usage.counted(INTROSPECTED).values())),
    ]


def _charts(usage: MonthUsage) -> list[Chart]:
    refused, limited = usage.counted(prefix=REFUSED), usage.counted(LIMITED)
    drawn = [
        ("by-client", "Tokens a day, by client", usage.tokens_of_clients()),
        ("by-api", "Tokens a day, by API", usage.tokens_for_apis()),
        (
            "refused",
            "Refused a day",
            [("refused", refused), ("over a limit", limited)],
        ),
        (
            "introspected",
            "Introspections a day",
            [("introspections", usage.counted(INTROSPECTED))],
        ),
    ]
    return [
        Chart(name=name, title=title, columns=usage.days, series=stacked(series, usage.days))
        for name, title, series in drawn
    ]
