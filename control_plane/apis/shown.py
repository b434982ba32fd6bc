"""An API's page: one frame with tabs, and which API of which tenant it is about."""

from typing import Any, TypeAlias

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, SkipValidation

from control_plane.apis.actions import find_api
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import identifier_of, ref_of
from control_plane.audit.shown import AnyRequest, Shower
from control_plane.tenancy.repository import OwnTenant


class FoundApi(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    api: ApiRow
    issuer: str

    @property
    def path(self) -> str:
        return f"/tenants/{self.tenant.slug}/apis/{ref_of(self.api.identifier)}"


class ApiShower(Shower):
    """Finds the API that an address names, and shows one tab of it."""

    async def find(self, request: AnyRequest, slug: str, api_ref: str) -> FoundApi:
        """Another account's answers as one that is not there: 404."""
        tenant = await self.tenant(request, slug)
        api = await find_api(self.database, tenant.id, identifier_of(api_ref))
        if api is None:
            raise NotFoundException
        return FoundApi(tenant=tenant, api=api, issuer=self.issuer(tenant))

    def show(
        self, request: AnyRequest, found: FoundApi, tab: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        return self.pages.show(
            request,
            f"apis/{tab}.html",
            status=status,
            tenant=found.tenant,
            api=found.api,
            issuer=found.issuer,
            base=found.path,
            tab=tab,
            fresh=self.is_fresh(request),
            **values,
        )


async def find_api_named(
    request: AnyRequest,
    api_shower: NamedDependency[ApiShower],
    slug: FromPath[str],
    api_ref: FromPath[str],
) -> FoundApi:
    """Give a handler the API that its address names, as `found`."""
    return await api_shower.find(request, slug, api_ref)


GivenApi: TypeAlias = SkipValidation[NamedDependency[FoundApi]]
