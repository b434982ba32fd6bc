"""A tenant at a glance (A4)."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.clock import Clock
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.members.rules import Permission
from control_plane.overview.actions import look_over
from control_plane.tenancy.actions import own_tenant
from control_plane.usage.charts import Chart, stacked
from control_plane.usage.months import ISSUED, LIMITED, REFUSED
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

_TOP = 5  # clients


@get("/tenants/{slug:str}", opt={"permission": Permission.SEE_TENANTS})
async def overview_page(
    request: Request[Any, Any, Any],
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    clock: NamedDependency[Clock],
    slug: FromPath[str],
) -> Response[str]:
    tenant, now = await own_tenant(database, request, slug), clock()
    seen = await look_over(database, tenant, signed_in_of(request), now)
    usage = seen.usage
    issued, today = usage.counted(ISSUED), f"{now:%Y-%m-%d}"
    return pages.show(
        request,
        "overview/overview.html",
        tenant=tenant,
        base=f"/tenants/{tenant.slug}",
        issuer=issuer_url(config.public_url, tenant.slug),
        seen=seen,
        usage=usage,
        numbers=[
            ("Tokens today", issued.get(today, 0)),
            ("Tokens this month", sum(issued.values())),
            ("Refused this month", sum(usage.counted(LIMITED, prefix=REFUSED).values())),
        ],
        chart=Chart(
            name="tokens",
            title="Tokens a day, this month",
            columns=usage.days,
            series=stacked([("tokens", issued)], usage.days),
        ),
        clients=usage.clients[:_TOP],
        now=now,
    )


OVERVIEW_PAGES = [overview_page]
