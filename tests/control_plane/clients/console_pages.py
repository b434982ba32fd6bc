"""A tenant of an account, with an API and a client, for the tests of its pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from control_plane.clients.actions import first_client
from control_plane.members.rules import Role
from control_plane.tenancy.actions import find_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.console import Browser, Console, make_account
from tests.support import new_slug


class Site(msgspec.Struct, frozen=True):
    console: Console
    account: str
    slug: str
    tenant: TenantId
    client_id: ClientId

    @property
    def clients(self) -> str:
        return f"/tenants/{self.slug}/clients"

    @property
    def client(self) -> str:
        return f"{self.clients}/{self.client_id}"

    @asynccontextmanager
    async def browser(self, role: Role = Role.OWNER) -> AsyncIterator[Browser]:
        async with self.console.signed_in(self.account, role) as browser:
            yield browser


async def make_site(console: Console, database: Database, plan: PlanName = PlanName.GROWTH) -> Site:
    account, slug = await make_account(database, plan), new_slug()
    async with console.signed_in(account) as browser:
        await browser.post("/start", slug=slug)
    tenant = await find_tenant(database, account, slug)
    assert tenant is not None
    client_id = await first_client(database, tenant.id)
    assert client_id is not None
    return Site(console, account, slug, tenant.id, client_id)
