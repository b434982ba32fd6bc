"""The pages of a tenant's signing keys: which tenant and key they are about, and what they say."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException

from control_plane.audit.shown import AnyRequest, Means, Shower
from control_plane.keys.actions import KeyKeeper
from control_plane.keys.rules import HeldKey, MakeNext, Outlook, Promote, Remove, Step
from control_plane.tenancy.repository import OwnTenant
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import KeyState

TYPED = 8  # characters of the kid that a revocation asks for


class FoundKey(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    key: HeldKey
    heir: HeldKey | None  # the next key of its algorithm


class KeyShower(Shower):
    def __init__(self, means: Means, keeper: KeyKeeper) -> None:
        super().__init__(means)
        self.keeper = keeper

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
        return self.pages.show(
            request,
            "keys/list.html",
            tenant=tenant,
            base=f"/tenants/{tenant.slug}/keys",
            jwks=f"{self.issuer(tenant)}/.well-known/jwks.json",
            can_rotate=outlook.can_rotate,
            schedule=self.keeper.schedule,
            algorithms=[
                (each, _keys_of(outlook, each), _coming(outlook, each)) for each in Algorithm
            ],
            fresh=self.is_fresh(request),
        )

    def show_revocation(
        self, request: AnyRequest, found: FoundKey, error: str = ""
    ) -> Response[str]:
        return self.pages.show(
            request,
            "keys/revoke.html",
            status=422 if error else 200,
            tenant=found.tenant,
            key=found.key,
            heir=found.heir,
            typed=TYPED,
            error=error,
        )

    def back(self, request: AnyRequest, tenant: OwnTenant) -> Response[None]:
        return self.go(request, f"/tenants/{tenant.slug}/keys")


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
