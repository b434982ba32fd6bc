"""A client's page: one frame with tabs, and which client of which tenant it is about."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from control_plane.audit.acting import acting
from control_plane.audit.rules import Actor
from control_plane.clients.actions import UnknownClient, show_client
from control_plane.clients.repository import ClientDetails
from control_plane.clients.snippets import Caller
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.ids import ClientId
from shared.domain.issuer import issuer_url
from shared.runtime.database import Database

AnyRequest = Request[Any, Any, Any]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    details: ClientDetails

    @property
    def client_id(self) -> ClientId:
        return self.details.client.client_id

    @property
    def path(self) -> str:
        return f"/tenants/{self.tenant.slug}/clients/{self.client_id}"


class ClientShower:
    """Finds the client that an address names, and shows one tab of it."""

    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        database: Database,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._database = database
        self._public_url = public_url
        self._clock = clock

    async def find(self, request: AnyRequest, slug: str, client_id: str) -> Found:
        """Another account's answers as one that is not there: 404."""
        tenant = await own_tenant(self._database, request, slug)
        try:
            details = await show_client(self._database, tenant.id, ClientId(client_id))
        except UnknownClient:
            raise NotFoundException from None
        return Found(tenant=tenant, details=details)

    def caller(self, found: Found, secret: str = "") -> Caller:
        client = found.details.client
        scopes = found.details.grants.get(client.default_api or "", [])
        return Caller(
            issuer=issuer_url(self._public_url, found.tenant.slug),
            slug=found.tenant.slug,
            client_id=client.client_id,
            client_secret=secret,
            scope=" ".join(scopes),
        )

    def show(
        self, request: AnyRequest, found: Found, tab: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        now = self._clock()
        return self._pages.show(
            request,
            f"clients/{tab}.html",
            status=status,
            tenant=found.tenant,
            client=found.details.client,
            details=found.details,
            base=found.path,
            issuer=issuer_url(self._public_url, found.tenant.slug),
            tab=tab,
            now=now,
            fresh=signed_in_of(request).session.is_stepped_up(now),
            **values,
        )

    def acting(self, request: AnyRequest) -> Actor:
        """Give who changes the client, for the audit log."""
        return acting(request, self._visitors)

    def now(self) -> datetime:
        return self._clock()

    def go(self, request: AnyRequest, path: str) -> Response[None]:
        return self._pages.go(request, path)
