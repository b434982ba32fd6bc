"""A tenant's settings page: which tenant it is about, and the page itself."""

from datetime import datetime
from typing import Any

from litestar import Request, Response

from control_plane.audit.acting import acting
from control_plane.audit.rules import Actor
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from control_plane.tenants.actions import show_tenant
from control_plane.tenants.deletion import UNDO_FOR
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

AnyRequest = Request[Any, Any, Any]


class TenantShower:
    def __init__(
        self, pages: Pages, visitors: Visitors, database: Database, public_url: str, clock: Clock
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._database = database
        self._public_url = public_url
        self._clock = clock

    async def find(self, request: AnyRequest, slug: str) -> OwnTenant:
        """Another account's answers as one that is not there: 404."""
        return await own_tenant(self._database, request, slug)

    async def show(
        self, request: AnyRequest, tenant: OwnTenant, wrong: str = "", error: str = ""
    ) -> Response[str]:
        """Show the settings; `wrong` names the form that was refused."""
        now = self._clock()
        return self._pages.show(
            request,
            "tenants/settings.html",
            status=422 if error else 200,
            tenant=tenant,
            details=await show_tenant(self._database, tenant.slug),
            issuer=issuer_url(self._public_url, tenant.slug),
            base=f"/tenants/{tenant.slug}",
            fresh=signed_in_of(request).session.is_stepped_up(now),
            undo_days=UNDO_FOR.days,
            wrong=wrong,
            error=error,
        )

    def acting(self, request: AnyRequest) -> Actor:
        """Give who changes the tenant, for the audit log."""
        return acting(request, self._visitors)

    def now(self) -> datetime:
        return self._clock()

    def back(self, request: AnyRequest, tenant: OwnTenant) -> Response[None]:
        return self._pages.go(request, f"/tenants/{tenant.slug}/settings")
