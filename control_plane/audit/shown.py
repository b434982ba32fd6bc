"""What the pages of a tenant's things have in common: which tenant, who acts, and where it goes on.

Each feature's own class finds what an address names, and shows it.
"""

from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response

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

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    pages: Pages
    visitors: Visitors
    database: Database
    public_url: str
    clock: Clock


class Shower:
    def __init__(self, means: Means) -> None:
        self.pages = means.pages
        self.database = means.database
        self._means = means

    async def tenant(self, request: AnyRequest, slug: str) -> OwnTenant:
        """Find the tenant. Another account's answers as one that is not there: 404."""
        return await own_tenant(self.database, request, slug)

    def issuer(self, tenant: OwnTenant) -> str:
        return issuer_url(self._means.public_url, tenant.slug)

    def is_fresh(self, request: AnyRequest) -> bool:
        """Tell whether the person has stepped up and need not do so again."""
        return signed_in_of(request).session.is_stepped_up(self.now())

    def acting(self, request: AnyRequest) -> Actor:
        """Give who changes something, for the audit log."""
        return acting(request, self._means.visitors)

    def now(self) -> datetime:
        return self._means.clock()

    def go(self, request: AnyRequest, path: str) -> Response[None]:
        return self.pages.go(request, path)
