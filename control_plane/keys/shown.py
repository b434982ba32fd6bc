"""The pages of a tenant's signing keys: which tenant and key they are about, and what they say."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from control_plane.audit.acting import acting
from control_plane.audit.rules import Actor
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.keys.actions import KeyKeeper
from control_plane.keys.rules import HeldKey, MakeNext, Outlook, Promote, Remove, Step
from control_plane.tenancy.actions import own_tenant
from control_plane.tenancy.repository import OwnTenant
from shared.domain.issuer import issuer_url
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import KeyState
from shared.runtime.database import Database

TYPED = 8  # characters of the kid that a revocation asks for

AnyRequest = Request[Any, Any, Any]


class FoundKey(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    key: HeldKey
    heir: HeldKey | None  # the next key of its algorithm


class KeyShower:
    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        database: Database,
        keeper: KeyKeeper,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._database = database
        self._public_url = public_url
        self._clock = clock
        self.keeper = keeper

    async def tenant(self, request: AnyRequest, slug: str) -> OwnTenant:
        return await own_tenant(self._database, request, slug)

    async def find(self, request: AnyRequest, slug: str, kid: str) -> FoundKey:
        """A key that is none of the tenant's, or of another account's, is not there: 404."""
        tenant = await self.tenant(request, slug)
        outlook = await self.keeper.outlook(tenant.id)
        key = next((each for each in outlook.keys if each.kid == kid), None)
        if key is None:
            raise NotFoundException
        others = _keys_of(outlook, key.algorithm)
        heir = next((each for each in others if each.state is KeyState.NEXT), None)
        return FoundKey(tenant=tenant, key=key, heir=heir)

    async def show(self, request: AnyRequest, tenant: OwnTenant) -> Response[str]:
        outlook = await self.keeper.outlook(tenant.id)
        return self._pages.show(
            request,
            "keys/list.html",
            tenant=tenant,
            base=f"/tenants/{tenant.slug}/keys",
            jwks=f"{issuer_url(self._public_url, tenant.slug)}/.well-known/jwks.json",
            can_rotate=outlook.can_rotate,
            schedule=self.keeper.schedule,
            algorithms=[
                (each, _keys_of(outlook, each), _coming(outlook, each)) for each in Algorithm
            ],
            fresh=signed_in_of(request).session.is_stepped_up(self._clock()),
        )

    def show_revocation(
        self, request: AnyRequest, found: FoundKey, error: str = ""
    ) -> Response[str]:
        return self._pages.show(
            request,
            "keys/revoke.html",
            status=422 if error else 200,
            tenant=found.tenant,
            key=found.key,
            heir=found.heir,
            typed=TYPED,
            error=error,
        )

    def acting(self, request: AnyRequest) -> Actor:
        """Give who changes the keys, for the audit log."""
        return acting(request, self._visitors)

    def back(self, request: AnyRequest, tenant: OwnTenant) -> Response[None]:
        return self._pages.go(request, f"/tenants/{tenant.slug}/keys")


def _keys_of(outlook: Outlook, algorithm: Algorithm) -> list[HeldKey]:
    """Give those of the algorithm: what comes, what signs, and the last that did first."""
    states = list(KeyState)
    of_algorithm = [each for each in outlook.keys if each.algorithm == algorithm]
    newest_first = sorted(of_algorithm, key=lambda each: each.created_at, reverse=True)
    return sorted(newest_first, key=lambda each: states.index(each.state))


def _coming(outlook: Outlook, algorithm: Algorithm) -> list[tuple[datetime, str]]:
    """Say what happens next to the keys of the algorithm, and when."""
    own = {each.kid for each in _keys_of(outlook, algorithm)}
    said = [(at, _words(step, algorithm, own)) for at, step in outlook.coming]
    return [(at, words) for at, words in said if words]


def _words(step: Step, algorithm: Algorithm, own: set[Any]) -> str:
    """Say what the step does; nothing where it is another algorithm's."""
    match step:
        case MakeNext(of, signs_at) if of == algorithm:
            return f"a next key is published, to sign from {signs_at:%Y-%m-%d %H:%M} UTC"
        case Promote(_, kid) if kid in own:
            return f"{kid[:TYPED]}… begins to sign, and the current key retires"
        case Remove(kid) if kid in own:
            return f"{kid[:TYPED]}… leaves the key set: no token that it signed is left"
        case _:
            return ""
