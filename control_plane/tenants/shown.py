"""A tenant's settings page: which tenant it is about, and the page itself."""

from litestar import Response

from control_plane.audit.shown import AnyRequest, Shower
from control_plane.tenancy.repository import OwnTenant
from control_plane.tenants.actions import show_tenant
from control_plane.tenants.deletion import UNDO_FOR


class TenantShower(Shower):
    async def show(
        self, request: AnyRequest, tenant: OwnTenant, wrong: str = "", error: str = ""
    ) -> Response[str]:
        """Show the settings; `wrong` names the form that was refused."""
        return self.pages.show(
            request,
            "tenants/settings.html",
            status=422 if error else 200,
            tenant=tenant,
            details=await show_tenant(self.database, tenant.slug),
            issuer=self.issuer(tenant),
            base=f"/tenants/{tenant.slug}",
            fresh=self.is_fresh(request),
            undo_days=UNDO_FOR.days,
            wrong=wrong,
            error=error,
        )

    def back(self, request: AnyRequest, tenant: OwnTenant) -> Response[None]:
        return self.go(request, f"/tenants/{tenant.slug}/settings")
