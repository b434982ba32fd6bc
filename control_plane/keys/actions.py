"""Making a tenant's signing keys, and moving them through their life."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record
from control_plane.audit.rules import BY_OPERATOR, BY_SCHEDULE, Actor, Noted, facts_of
from control_plane.keys import repository
from control_plane.keys.rules import (
    HeldKey,
    MakeCurrent,
    MakeNext,
    Outlook,
    Promote,
    Remove,
    Schedule,
    SignSooner,
    Step,
    due_steps,
    next_due,
    outlook_of,
    revoke_steps,
    rotate_steps,
)
from control_plane.publishing.snapshots import (
    UnknownTenant,
    edit_tenant,
    set_keys_due,
    tenants_with_keys_due,
)
from shared.domain.ids import Kid, TenantId
from shared.domain.jwk import (
    Algorithm,
    PrivateKey,
    generate_private_key,
    private_key_to_der,
    public_jwk,
)
from shared.domain.snapshot import KeyState, SigningKey
from shared.runtime.database import Database, become_login
from shared.runtime.sealing import CannotOpen, Sealer

_TENANTS_AT_ONCE = 100

Decide = Callable[[Sequence[HeldKey]], list[Step]]


def make_signing_key(
    algorithm: Algorithm,
    tenant: TenantId,
    sealer: Sealer,
    generate: Callable[[Algorithm], PrivateKey] = generate_private_key,
) -> SigningKey:
    """Make a key, sealed for this tenant. RSA takes 20-150 ms of a core."""
    private = generate(algorithm)
    jwk = public_jwk(private)
    sealed = sealer.seal(private_key_to_der(private), tenant, jwk.kid)
    return SigningKey(state=KeyState.CURRENT, jwk=jwk, sealed=sealed)


async def ensure_signing_key(
    connection: AsyncConnection, algorithm: Algorithm, tenant: TenantId, sealer: Sealer
) -> None:
    """Make the algorithm's first key, within the transaction of the change that needs it."""
    if not await repository.has_current_key(connection, algorithm):
        key = await asyncio.to_thread(make_signing_key, algorithm, tenant, sealer)
        await repository.add_current_key(connection, key)


async def list_keys(database: Database, tenant: TenantId) -> list[HeldKey]:
    async with database.tenant(tenant) as connection:
        return await repository.list_keys(connection)


class KeyKeeper:
    """Changes keys by the schedule; `clock` gives the time, with a zone."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], datetime],
        schedule: Schedule | None = None,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self.schedule = schedule or Schedule()

    async def advance_due(self) -> int:
        """Take every tenant's keys the steps that are due; tell how many tenants had any."""
        async with self._database.control() as connection:
            due = await tenants_with_keys_due(connection, self._clock(), _TENANTS_AT_ONCE)
        for tenant in due:
            with suppress(UnknownTenant):  # deleted meanwhile
                await self.advance(tenant)
        return len(due)

    async def advance(self, tenant: TenantId) -> None:
        """Take a tenant's keys the steps that are due. Raises UnknownTenant."""
        await self._change(
            tenant, lambda keys: due_steps(keys, self.schedule, self._clock()), BY_SCHEDULE
        )

    async def outlook(self, tenant: TenantId) -> Outlook:
        """Show the tenant's keys, and what the schedule does with them."""
        return outlook_of(await list_keys(self._database, tenant), self.schedule, self._clock())

    async def rotate(self, tenant: TenantId, by: Actor = BY_OPERATOR) -> None:
        """Begin a rotation of every algorithm: new keys are published, and sign a day later."""
        await self._change(
            tenant, lambda keys: rotate_steps(keys, self.schedule, self._clock()), by
        )

    async def revoke(self, tenant: TenantId, kid: Kid, by: Actor = BY_OPERATOR) -> None:
        """Publish the key no more, at once: its tokens verify nowhere that looks again.

        Raises UnknownKey.
        """
        await self._change(tenant, lambda keys: revoke_steps(keys, kid), by)

    async def reseal(self, tenant: TenantId) -> int:
        """Seal the tenant's keys anew under the first master key; tell how many it was.

        Raises CannotOpen, and changes nothing then.
        """
        async with self._database.tenant(tenant) as connection:
            held = await repository.sealed_keys(connection)
        old = [(kid, sealed) for kid, sealed in held if not self._sealer.is_newest(sealed)]
        if old:
            async with edit_tenant(self._database, tenant) as connection:
                for kid, sealed in old:
                    private = self._sealer.open(sealed, tenant, kid)
                    anew = self._sealer.seal(private, tenant, kid)
                    await repository.replace_sealed(connection, kid, anew)
                after = {"kids": [kid for kid, _ in old]}
                noted = Noted("key.reseal", "signing keys", after=after)
                await record(connection, BY_OPERATOR, noted)
        return len(old)

    async def _change(self, tenant: TenantId, decide: Decide, by: Actor) -> None:
        """Decide on the keys as they are under the tenant's lock, and take the steps."""
        async with edit_tenant(self._database, tenant) as connection:
            for step in decide(await repository.list_keys(connection)):
                await self._take(connection, tenant, step)
                await record(connection, by, _noted(step))
            keys = await repository.list_keys(connection)
            await become_login(connection)
            due = next_due(keys, self.schedule, self._clock())
            await set_keys_due(connection, tenant, due)

    async def _take(self, connection: AsyncConnection, tenant: TenantId, step: Step) -> None:
        match step:
            case MakeNext(algorithm, signs_at):
                key = await asyncio.to_thread(make_signing_key, algorithm, tenant, self._sealer)
                await repository.add_next_key(connection, key, signs_at, self._clock())
            case SignSooner(kid, signs_at):
                await repository.sign_sooner(connection, kid, signs_at)
            case Promote(algorithm, kid):
                await repository.promote_key(connection, algorithm, kid, self._clock())
            case Remove(kid):
                await repository.remove_key(connection, kid)
            case MakeCurrent(algorithm):
                await ensure_signing_key(connection, algorithm, tenant, self._sealer)


def _noted(step: Step) -> Noted:
    match step:
        case MakeNext(algorithm, _):
            return Noted("key.make_next", f"keys of {algorithm}", after=facts_of(step))
        case SignSooner(kid, _):
            return Noted("key.sign_sooner", f"key {kid}", after=facts_of(step))
        case Promote(_, kid):
            return Noted("key.promote", f"key {kid}", after=facts_of(step))
        case Remove(kid):
            return Noted("key.remove", f"key {kid}")
        case MakeCurrent(algorithm):
            return Noted("key.make_current", f"keys of {algorithm}")


async def unopenable_keys(database: Database, tenant: TenantId, sealer: Sealer) -> list[Kid]:
    """Name the tenant's keys that no master key at hand opens."""
    closed = []
    async with database.tenant(tenant) as connection:
        for kid, sealed in await repository.sealed_keys(connection):
            try:
                sealer.open(sealed, tenant, kid)
            except CannotOpen:
                closed.append(kid)
    return closed
