"""Rules of clients on a real database."""

import asyncio

import msgspec
import pytest

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.workloads.actions import (
    UnknownWorkload,
    add_workload,
    list_workloads,
    remove_workload,
    show_workloads,
)
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId, TenantId
from shared.domain.workload import InvalidWorkload, WorkloadRule
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.support import prove_by_workload

_API = "https://things.example"
_NOBODY = ClientId("c_nobody")
_RULE = WorkloadRule(
    name="ci",
    issuer="https://outside.example",
    claims={"sub": "job:*", "/a/b": "ü"},
    audience="api://x",
    jwks=(ClientJwk(kty="EC", crv="P-256", x="AA", y="AA"),),
)


def named(name: str) -> WorkloadRule:
    return msgspec.structs.replace(_RULE, name=name)


@pytest.fixture
async def secret_client(
    database: Database, sealer: Sealer, peppers: tuple[Key, ...], acme: TenantId
) -> ClientId:
    api = NewApi(identifier=_API, name="A", scopes={}, token_lifetime=60)
    await create_api(database, sealer, acme, api)
    new = NewClient(name="first", apis=(_API,))
    return (await register_client(database, peppers, acme, new)).client_id


@pytest.fixture
async def client_id(database: Database, acme: TenantId, secret_client: ClientId) -> ClientId:
    await prove_by_workload(database, acme, secret_client)
    return secret_client


async def names(database: Database, tenant: TenantId, client_id: ClientId) -> list[str]:
    held = await show_workloads(database, tenant, client_id)
    return [each.name for each in held.workloads]


async def test_a_rule_is_shown_as_it_was_added(
    database: Database, acme: TenantId, client_id: ClientId
) -> None:
    await add_workload(database, acme, client_id, _RULE)
    held = await show_workloads(database, acme, client_id)
    assert (held.client_id, held.enabled, held.workloads) == (client_id, True, (_RULE,))
    assert await list_workloads(database, acme, after=ClientId(""), limit=10) == [held]


async def test_a_rule_is_removed_by_its_name(
    database: Database, acme: TenantId, client_id: ClientId
) -> None:
    for name in ("a", "b", "c"):
        await add_workload(database, acme, client_id, named(name))
    await remove_workload(database, acme, client_id, "b")
    assert await names(database, acme, client_id) == ["a", "c"]
    with pytest.raises(UnknownWorkload):
        await remove_workload(database, acme, client_id, "b")


async def test_clients_without_rules_are_not_listed(
    database: Database, acme: TenantId, client_id: ClientId
) -> None:
    assert await list_workloads(database, acme, after=ClientId(""), limit=10) == []
    await add_workload(database, acme, client_id, _RULE)
    assert await list_workloads(database, acme, after=client_id, limit=10) == []


async def test_a_client_with_a_secret_gets_no_rule(
    database: Database, acme: TenantId, secret_client: ClientId
) -> None:
    with pytest.raises(InvalidWorkload, match="proves itself by client_secret"):
        await add_workload(database, acme, secret_client, _RULE)
    assert await names(database, acme, secret_client) == []


async def test_rules_that_are_added_at_once_are_all_kept_up_to_ten(
    database: Database, acme: TenantId, client_id: ClientId
) -> None:
    added = await asyncio.gather(
        *(add_workload(database, acme, client_id, named(f"r{n}")) for n in range(12)),
        return_exceptions=True,
    )
    assert [type(each) for each in added if each is not None] == [InvalidWorkload] * 2
    assert len(set(await names(database, acme, client_id))) == 10


async def test_what_is_not_there_is_refused(
    database: Database,
    acme: TenantId,
    client_id: ClientId,  # noqa: ARG001 - the tenant has a client, and not this one
) -> None:
    with pytest.raises(UnknownWorkload):
        await add_workload(database, acme, _NOBODY, _RULE)
    with pytest.raises(UnknownWorkload):
        await remove_workload(database, acme, _NOBODY, "ci")
    with pytest.raises(UnknownWorkload):
        await show_workloads(database, acme, _NOBODY)
    with pytest.raises(UnknownTenant):
        await add_workload(database, TenantId("aaaaaaaaaaaaa"), _NOBODY, _RULE)
