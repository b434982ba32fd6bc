"""What a plan includes bounds what is created, also by many at once (hostile-inputs.md I14)."""

import asyncio

import pytest

from control_plane.accounts.actions import set_plan
from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import list_clients, register_client
from control_plane.clients.rules import NewClient
from control_plane.limits.rules import Limited, LimitReached
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import ClientId, TenantId
from shared.domain.plan import Environment, PlanName
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import make_account
from tests.support import new_slug

_API = NewApi(identifier="https://api.example", name="x", scopes={"read": ""}, token_lifetime=600)


def new_tenant(account: str, environment: Environment = Environment.TEST) -> NewTenant:
    slug = new_slug()
    return NewTenant(slug=slug, name=slug, account=account, environment=environment)


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


@pytest.fixture
async def tenant(database: Database, sealer: Sealer, account: str, quick_keys: None) -> TenantId:  # noqa: ARG001 - it acts by being there
    made = await create_tenant(database, sealer, new_tenant(account))
    await create_api(database, sealer, made, _API)
    return made


async def test_of_50_clients_at_once_with_room_for_one_exactly_one_is_made(
    database: Database, peppers: tuple[Key, ...], tenant: TenantId
) -> None:
    new = NewClient(name="x", apis=(_API.identifier,))
    for _ in range(4):  # the Sandbox's five but one
        await register_client(database, peppers, tenant, new)

    async def try_it() -> bool:
        try:
            await register_client(database, peppers, tenant, new)
        except LimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(try_it() for _ in range(50)))) == 1
    held = await list_clients(database, tenant, after=ClientId(""), limit=100)
    assert len(held) == 5


async def test_clients_are_counted_over_all_tenants_of_the_account_and_no_others(
    database: Database, sealer: Sealer, peppers: tuple[Key, ...], account: str, tenant: TenantId
) -> None:
    await set_plan(database, account, PlanName.STARTER)
    second = await create_tenant(database, sealer, new_tenant(account, Environment.LIVE))
    await create_api(database, sealer, second, _API)
    new = NewClient(name="x", apis=(_API.identifier,))
    for each in (tenant, second, tenant, second, tenant):
        await register_client(database, peppers, each, new)
    await set_plan(database, account, PlanName.SANDBOX)
    with pytest.raises(LimitReached, match="includes 5 clients"):
        await register_client(database, peppers, second, new)


async def test_apis_and_tenants_are_bounded_as_well(
    database: Database, sealer: Sealer, account: str, tenant: TenantId
) -> None:
    await create_api(database, sealer, tenant, _renamed("https://two.example"))
    with pytest.raises(LimitReached) as refused:
        await create_api(database, sealer, tenant, _renamed("https://three.example"))
    assert (refused.value.what, refused.value.limit) == (Limited.APIS, 2)
    for environment in Environment:
        with pytest.raises(LimitReached):
            await create_tenant(database, sealer, new_tenant(account, environment))
    await set_plan(database, account, PlanName.STARTER)
    await create_tenant(database, sealer, new_tenant(account, Environment.LIVE))
    with pytest.raises(LimitReached, match="1 test tenants"):
        await create_tenant(database, sealer, new_tenant(account))


async def test_of_ten_tenants_at_once_with_room_for_one_exactly_one_is_made(
    database: Database,
    sealer: Sealer,
    account: str,
    quick_keys: None,  # noqa: ARG001 - it acts by being there
) -> None:
    async def try_it() -> bool:
        try:
            await create_tenant(database, sealer, new_tenant(account))
        except LimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(try_it() for _ in range(10)))) == 1


def _renamed(identifier: str) -> NewApi:
    return NewApi(identifier=identifier, name="x", scopes={}, token_lifetime=600)
