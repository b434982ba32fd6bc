"""What every request of the management API passes: whose API key it is, and what it may.

A handler says in its `opt` which scope it needs. One that says nothing is refused. Nothing is
remembered between requests: a key that was revoked is refused by the next one.
"""

import re
import time
from typing import Any, TypeAlias

from litestar import Request

from control_plane.http.clock import Clock
from control_plane.management_api import repository
from control_plane.management_api.holder import Holder, keep_holder
from control_plane.management_api.pace import Pace
from control_plane.management_api.problems import (
    AccountSuspended,
    InsufficientScope,
    TokenMissing,
    Unauthenticated,
)
from control_plane.management_api.tokens import TokenClaims, read_token
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.tenants.actions import show_tenant
from shared.domain.ids import TenantId
from shared.domain.issuer import issuer_url
from shared.domain.management import SYSTEM_SLUG, KeyClaims, management_audience
from shared.runtime.config import Config
from shared.runtime.database import Database, become_login

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_INVALID = "the management token does not count here"

AnyRequest: TypeAlias = Request[Any, Any, Any]


class ApiDoor:
    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        self._database = database
        self._issuer = issuer_url(config.public_url, SYSTEM_SLUG)
        self._audience = management_audience(config.console_url)
        self._contact = config.support_email or config.mail_from
        self._clock = clock
        self._pace = Pace()
        self._system: TenantId | None = None

    async def __call__(self, request: AnyRequest) -> None:
        opt = request.route_handler.opt
        if opt.get("open"):
            return
        holder = await self._holder(request.headers.get("authorization", ""))
        if holder.suspended is not None and holder.suspended.closes_console:
            raise AccountSuspended(f"support has suspended the account: write to {self._contact}")
        self._pace.take(holder.client_id, time.monotonic_ns())
        needed = opt.get("scope")
        if needed not in holder.scopes:
            raise InsufficientScope(str(needed))
        keep_holder(request, holder)

    async def _holder(self, authorization: str) -> Holder:
        if not authorization:
            raise TokenMissing("a management token is required: make an API key in the console")
        found = _BEARER.fullmatch(authorization)
        if found is None:
            raise Unauthenticated(_INVALID)
        async with self._database.tenant(await self._system_tenant()) as connection:
            claims = read_token(found[1], await repository.public_keys(connection))
            if claims is None or not self._counts(claims):
                raise Unauthenticated(_INVALID)
            key: KeyClaims | None = None
            if not await repository.is_revoked(connection, claims):
                key = await repository.find_key(connection, claims.client_id)
            if key is None:
                raise Unauthenticated(_INVALID)
            await become_login(connection)
            suspended = await repository.suspension_of(connection, key.account)
        return Holder(
            client_id=claims.client_id, key=key, scopes=claims.scopes, suspended=suspended
        )

    def _counts(self, claims: TokenClaims) -> bool:
        return claims.is_for(self._issuer, self._audience, self._clock().timestamp())

    async def _system_tenant(self) -> TenantId:
        """Find the built-in tenant; once it is there it stays."""
        if self._system is None:
            try:
                self._system = (await show_tenant(self._database, SYSTEM_SLUG)).id
            except UnknownTenant:
                raise Unauthenticated(_INVALID) from None
        return self._system
