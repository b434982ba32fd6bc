"""An API's page: one frame with tabs, and which API of which tenant it is about."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from control_plane.apis.actions import find_api
from control_plane.apis.repository import ApiRow
from control_plane.apis.rules import identifier_of, ref_of
from control_plane.audit.acting import acting
from control_plane.audit.rules import Actor
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

AnyRequest = Request[Any, Any, Any]


class FoundApi(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    api: ApiRow
    issuer: str

    @property
    def path(self) -> str:
        return f"/tenants/{self.tenant.slug}/apis/{ref_of(self.api.identifier)}"


class ApiShower:
    """Finds the API that an address names, and shows one tab of it."""

    def __init__(
        self, pages: Pages, visitors: Visitors, database: Database, public_url: str, clock: Clock
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._database = database
        self._public_url = public_url
        self._clock = clock

    async def find(self, request: AnyRequest, slug: str, api_ref: str) -> FoundApi:
        """Another account's answers as one that is not there: 404."""
        tenant = await own_tenant(self._database, request, slug)
        api = await find_api(self._database, tenant.id, identifier_of(api_ref))
        if api is None:
            raise NotFoundException
        issuer = issuer_url(self._public_url, tenant.slug)
        return FoundApi(tenant=tenant, api=api, issuer=issuer)

    def show(
        self, request: AnyRequest, found: FoundApi, tab: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        return self._pages.show(
            request,
            f"apis/{tab}.html",
            status=status,
            tenant=found.tenant,
            api=found.api,
            issuer=found.issuer,
            base=found.path,
            tab=tab,
            fresh=signed_in_of(request).session.is_stepped_up(self._clock()),
            **values,
        )

    def acting(self, request: AnyRequest) -> Actor:
        """Give who changes the API, for the audit log."""
        return acting(request, self._visitors)

    def go(self, request: AnyRequest, path: str) -> Response[None]:
        return self._pages.go(request, path)
