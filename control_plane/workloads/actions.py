"""Changing which outside JWTs stand for a client, one transaction for each verb.

Each raises UnknownTenant, UnknownWorkload or InvalidWorkload.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record
from control_plane.audit.rules import BY_OPERATOR, Actor, Noted, facts_of
from control_plane.publishing.snapshots import edit_tenant
from control_plane.workloads import repository
from control_plane.workloads.rules import HeldWorkloads, with_rule, without_rule
from shared.domain.ids import ClientId, TenantId
from shared.domain.refused import Refused
from shared.domain.workload import WorkloadRule
from shared.runtime.database import Database


class UnknownWorkload(Refused):
    """The tenant has no such client, or the client no such rule."""


async def add_workload(
    database: Database,
    tenant: TenantId,
    client_id: ClientId,
    rule: WorkloadRule,
    by: Actor = BY_OPERATOR,
) -> None:
    async with edit_tenant(database, tenant) as connection:
        held = await _held(connection, client_id)
        await repository.set_workloads(connection, client_id, with_rule(held, rule))
        noted = Noted("workload.add", f"client {client_id}", after=facts_of(rule))
        await record(connection, by, noted)


async def remove_workload(
    database: Database,
    tenant: TenantId,
    client_id: ClientId,
    name: str,
    by: Actor = BY_OPERATOR,
) -> None:
    """Take the rule away. Tokens that the client got with it live on."""
    async with edit_tenant(database, tenant) as connection:
        others = without_rule(await _held(connection, client_id), name)
        if others is None:
            raise UnknownWorkload("the client has no rule of this name")
        await repository.set_workloads(connection, client_id, others)
        noted = Noted("workload.remove", f"client {client_id}", before={"name": name})
        await record(connection, by, noted)


async def show_workloads(
    database: Database, tenant: TenantId, client_id: ClientId
) -> HeldWorkloads:
    async with database.tenant(tenant) as connection:
        return await _held(connection, client_id)


async def list_workloads(
    database: Database, tenant: TenantId, *, after: ClientId, limit: int
) -> list[HeldWorkloads]:
    """List the clients that have rules, a page at a time."""
    async with database.tenant(tenant) as connection:
        return await repository.list_workloads(connection, after=after, limit=limit)


async def _held(connection: AsyncConnection, client_id: ClientId) -> HeldWorkloads:
    held = await repository.get_workloads(connection, client_id)
    if held is None:
        raise UnknownWorkload("the tenant has no such client")
    return held
