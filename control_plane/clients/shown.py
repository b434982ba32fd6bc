"""A client's page: one frame with tabs, and which client of which tenant it is about."""

from typing import Any, TypeAlias

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, SkipValidation

from control_plane.audit.shown import AnyRequest, Shower
from control_plane.clients.actions import UnknownClient, show_client
from control_plane.clients.repository import ClientDetails
from control_plane.clients.snippets import Caller
from control_plane.tenancy.repository import OwnTenant
from shared.domain.ids import ClientId


class Found(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    details: ClientDetails

    @property
    def client_id(self) -> ClientId:
        return self.details.client.client_id

    @property
    def path(self) -> str:
        return f"/tenants/{self.tenant.slug}/clients/{self.client_id}"


class ClientShower(Shower):
    """Finds the client that an address names, and shows one tab of it."""

    async def find(self, request: AnyRequest, slug: str, client_id: str) -> Found:
        """Another account's answers as one that is not there: 404."""
        tenant = await self.tenant(request, slug)
        try:
            details = await show_client(self.database, tenant.id, ClientId(client_id))
        except UnknownClient:
            raise NotFoundException from None
        return Found(tenant=tenant, details=details)

    async def again(self, request: AnyRequest, found: Found) -> Found:
        """Find it as it is after a change."""
        return await self.find(request, found.tenant.slug, found.client_id)

    def caller(self, found: Found, secret: str = "") -> Caller:
        client = found.details.client
        scopes = found.details.grants.get(client.default_api or "", [])
        return Caller(
            issuer=self.issuer(found.tenant),
            slug=found.tenant.slug,
            client_id=client.client_id,
            client_secret=secret,
            scope=" ".join(scopes),
        )

    def show(
        self, request: AnyRequest, found: Found, tab: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        return self.pages.show(
            request,
            f"clients/{tab}.html",
            status=status,
            tenant=found.tenant,
            client=found.details.client,
            details=found.details,
            base=found.path,
            issuer=self.issuer(found.tenant),
            tab=tab,
            now=self.now(),
            fresh=self.is_fresh(request),
            **values,
        )


async def find_client(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    slug: FromPath[str],
    client_id: FromPath[str],
) -> Found:
    """Give a handler the client that its address names, as `found`."""
    return await shower.find(request, slug, client_id)


GivenClient: TypeAlias = SkipValidation[NamedDependency[Found]]
