"""Two tenants: A, who has one of everything, and B, who tries to see it."""

import time
from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import psycopg

from control_plane.clients.actions import disable_client, register_client
from control_plane.clients.rules import NewClient
from control_plane.keys.actions import list_keys
from control_plane.secrets.actions import add_secret, start_rotation
from control_plane.secrets.rules import AskedSecret
from control_plane.workloads.actions import add_workload
from data_plane.ports import RefusedRequest
from data_plane.protocol.revocation import Revocation, RevocationKind
from data_plane.store.pool import Pool
from data_plane.store.refusals import NotedRefusals
from data_plane.store.revoked import StoredRevocations
from data_plane.store.usage import StoredUsage
from shared.domain.ids import ClientId, Kid, TenantId, schema_of, uuid7
from shared.domain.jwk import generate_private_key
from shared.domain.workload import WorkloadRule
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.isolation.patient_pool import opened_pool
from tests.ledgers import issued, opened_ledger
from tests.support import Installation, MadeTenant, make_tenant, new_slug, opened, prove_by_workload

WORKLOAD = WorkloadRule(name="canary", issuer="https://outside.example", claims={"sub": "canary"})


Owner: TypeAlias = psycopg.Connection[tuple[str, ...]]


class Populated(msgspec.Struct, frozen=True, kw_only=True):
    """Tenant A and the ids of what it has."""

    tenant: MadeTenant
    client_id: ClientId
    disabled_client_id: ClientId
    workload_client_id: ClientId
    kids: tuple[Kid, ...]
    issued: str  # jti
    revoked: str  # jti
    refused: str  # the refusal's id

    @property
    def tenant_id(self) -> TenantId:
        return self.tenant.tenant_id

    def traces_in(self, result: object) -> list[str]:
        """Name what there is of A in a result."""
        shown = repr(result)
        clients = (self.client_id, self.disabled_client_id, self.workload_client_id)
        ids = (*clients, *self.kids, self.issued, self.revoked, self.refused)
        return [each for each in (self.tenant_id, self.tenant.slug, *ids) if each in shown]


class Both(msgspec.Struct, frozen=True, kw_only=True):
    a: Populated
    b: MadeTenant
    installation: Installation
    owner: Owner
    database: Database
    config: Config

    def dump_of_a(self) -> dict[str, list[str]]:
        return dump_of(self.owner, self.a.tenant_id)


async def populate(installation: Installation, config: Config) -> Populated:
    async with opened(installation.control_url) as database:
        tenant = await make_tenant(
            database, config, slug=new_slug("canary"), generate=generate_private_key
        )  # its keys are nobody else's
        a = tenant.tenant_id
        new = NewClient(name="second", apis=(tenant.audience,))
        second = await register_client(database, config.secret_peppers, a, new)
        for asked in (AskedSecret(name="ends at once", expires_in=1), AskedSecret(name="stays")):
            await add_secret(database, config.secret_peppers, a, second.client_id, asked)
        new_one = AskedSecret(name="new")
        await start_rotation(database, config.secret_peppers, a, second.client_id, new_one, 3600)
        await disable_client(database, a, second.client_id)
        third = await register_client(database, config.secret_peppers, a, new)
        await prove_by_workload(database, a, third.client_id)
        await add_workload(database, a, third.client_id, WORKLOAD)
        kids = tuple(each.kid for each in await list_keys(database, a))
    jti, revoked = new_jti(), new_jti()
    await record(installation, a, tenant.client.client_id, (jti, revoked))
    async with opened_pool(installation.data_url) as pool:
        await StoredRevocations(pool).add(a, revocation_of(revoked))
        await refuse(pool, a, tenant.client.client_id)
    return Populated(
        tenant=tenant,
        client_id=tenant.client.client_id,
        disabled_client_id=second.client_id,
        workload_client_id=third.client_id,
        kids=kids,
        issued=jti,
        revoked=revoked,
        refused=await look_into_ledger(installation, a),
    )


def new_jti() -> str:
    return str(uuid7(time.time_ns() // 1_000_000, time.perf_counter_ns()))


def revocation_of(jti: str) -> Revocation:
    now = int(time.time())
    return Revocation(kind=RevocationKind.TOKEN, subject=jti, not_before=now, expires_at=now + 3600)


async def record(
    installation: Installation, tenant: TenantId, client_id: ClientId, jtis: Iterable[str]
) -> None:
    async with opened_ledger(installation.data_url) as real:
        for jti in jtis:
            token = issued(tenant=tenant, client_id=client_id, jti=UUID(jti).bytes)
            await real.ledger.record(token)


async def refuse(pool: Pool, tenant: TenantId, client_id: ClientId) -> None:
    refusals = NotedRefusals()
    refusals.note(
        RefusedRequest(
            tenant=tenant,
            client_id=client_id,
            endpoint="token",
            error="invalid_scope",
            reason="the client may not have this scope",
            address="192.0.2.1",
            request_id="r_1",
            at_ms=time.time_ns() // 1_000_000,
        )
    )
    await StoredUsage(pool, refusals).flush()


async def look_into_ledger(installation: Installation, tenant: TenantId) -> str:
    """Have the tenant's usage rolled up, as if it were yesterday's; give its refusal's id."""
    owner = await asyncpg.connect(installation.owner_url)
    for table, of_client, begins in (
        ("usage_day", "client_id, ", "day"),
        ("usage_day_all", "", "day"),
        ("usage_month", "client_id, ", "month"),
    ):
        await owner.execute(
            f"INSERT INTO ledger.{table} ({begins}, count, tenant, {of_client} api, event)"  # noqa: S608 - ours
            f" SELECT date_trunc('{begins}', current_date - 1), sum(count), tenant,"
            f" {of_client} api, event"
            f" FROM ledger.usage WHERE tenant = $1 GROUP BY tenant, {of_client} api, event",
            tenant,
        )
    found = await owner.fetchval("SELECT id FROM ledger.refused WHERE tenant = $1", tenant)
    await owner.close()
    return str(found)


def dump_of(owner: Owner, tenant: TenantId) -> dict[str, list[str]]:
    """Give every row there is of the tenant, as the owner sees it, whom no policy holds.

    A connection that has asked before knows the tables: a new one takes ten times as long.
    """
    schema = schema_of(tenant)
    tables = owner.execute(
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)::oid",
        (schema,),
    )
    sources = {name: f'"{schema}"."{name}" t' for (name,) in tables}
    shared = (
        ("control.tenant", "id"),
        ("control.issuer_snapshot", "tenant_id"),
        ("control.client_place", "tenant_id"),
        ("ledger.issued", "tenant"),
        ("ledger.refused", "tenant"),
        ("ledger.usage", "tenant"),
        ("ledger.usage_day", "tenant"),
        ("ledger.usage_day_all", "tenant"),
        ("ledger.usage_month", "tenant"),
        ("ledger.revocation", "tenant"),
    )
    sources |= {table: f"{table} t WHERE {column} = '{tenant}'" for table, column in shared}
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, t::text AS row FROM {source}"  # noqa: S608 - names from the catalogue, and ours
        for name, source in sources.items()
    )
    found = sorted(owner.execute(query))
    return {name: [row for of, row in found if of == name] for name in sources}
