"""A client that is recognised is refused by whatever would refuse it the first time."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from control_plane.clients.actions import disable_client, enable_client
from control_plane.secrets.actions import finish_rotation, start_rotation
from control_plane.secrets.rules import AskedSecret
from control_plane.tenants.actions import resume_tenant, suspend_tenant
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.faults.load import until_true
from tests.support import MadeTenant, ask_token, basic_header, introspect, make_tenant, post_raw

GRANT = {"grant_type": "client_credentials"}
_WARM = 12  # requests: enough to have met both workers

Change = Callable[[Database, MadeTenant], Awaitable[None]]


@pytest.fixture
async def warm(http: httpx.AsyncClient, tenant: MadeTenant) -> MadeTenant:
    """A tenant whose client every worker recognises, by its header and by its form."""
    for _ in range(_WARM):
        async with httpx.AsyncClient() as fresh:  # a connection of its own: any worker's
            assert (await ask_token(fresh, tenant)).status_code == 200
            assert (
                await fresh.post(tenant.token_endpoint, data=in_form(tenant))
            ).status_code == 200
    assert (await ask_token(http, tenant)).status_code == 200
    return tenant


def in_form(tenant: MadeTenant) -> dict[str, str]:
    client_id, client_secret = tenant.basic
    return GRANT | {"client_id": client_id, "client_secret": client_secret}


async def disable(database: Database, tenant: MadeTenant) -> None:
    await disable_client(database, tenant.tenant_id, tenant.client.client_id)


async def suspend(database: Database, tenant: MadeTenant) -> None:
    await suspend_tenant(database, tenant.slug)


@pytest.mark.parametrize("change", [disable, suspend])
async def test_a_recognised_client_is_refused_soon_after_a_change(
    database: Database, warm: MadeTenant, change: Change
) -> None:
    await change(database, warm)

    async def both_ways_are_refused() -> bool:
        async with httpx.AsyncClient() as http:
            by_header = await ask_token(http, warm)
            by_form = await http.post(warm.token_endpoint, data=in_form(warm))
            asked = await introspect(http, warm, "x")
        return {by_header.status_code, by_form.status_code, asked.status_code} == {401}

    await until_true(both_ways_are_refused, "it is still served")
    for _ in range(_WARM):
        assert await both_ways_are_refused()
    await enable_client(database, warm.tenant_id, warm.client.client_id)
    await resume_tenant(database, warm.slug)

    async def is_served() -> bool:
        async with httpx.AsyncClient() as http:
            return (await ask_token(http, warm)).status_code == 200

    await until_true(is_served, "it is not served again")


async def test_a_secret_that_was_rotated_out_is_not_recognised(
    database: Database, config: Config, http: httpx.AsyncClient, warm: MadeTenant
) -> None:
    client_id = warm.client.client_id
    made = await start_rotation(
        database, config.secret_peppers, warm.tenant_id, client_id, AskedSecret(name="new"), 3600
    )
    assert (await ask_token(http, warm)).status_code == 200
    await finish_rotation(database, warm.tenant_id, client_id)

    async def old_is_refused() -> bool:
        async with httpx.AsyncClient() as fresh:
            return (await ask_token(fresh, warm)).status_code == 401

    await until_true(old_is_refused, "the old secret is still good")
    url, header = warm.token_endpoint, basic_header(client_id, made.client_secret)
    assert (await post_raw(http, url, GRANT, **header)).status_code == 200


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_secret": "x"}, "invalid_request"),
        ({"client_assertion": "x"}, "invalid_request"),
        ({"client_id": "c_other"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_a_recognised_header_makes_no_form_good(
    http: httpx.AsyncClient, warm: MadeTenant, more: dict[str, str], error: str
) -> None:
    for _ in range(3):
        answer = await post_raw(
            http, warm.token_endpoint, GRANT | more, **basic_header(*warm.basic)
        )
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert (await ask_token(http, warm)).status_code == 200


@pytest.mark.parametrize("scope", ["read", "write", "write read"])
async def test_each_form_gets_its_own_answer(
    http: httpx.AsyncClient, warm: MadeTenant, scope: str
) -> None:
    for _ in range(3):
        answer = (await ask_token(http, warm, scope=scope)).json()
        assert set(answer["scope"].split()) == set(scope.split())
    assert set((await ask_token(http, warm)).json()["scope"].split()) == {"read", "write"}


async def test_a_header_is_recognised_at_its_own_tenant_alone(
    http: httpx.AsyncClient, database: Database, config: Config, warm: MadeTenant
) -> None:
    another = await make_tenant(database, config)
    for _ in range(3):
        answer = await post_raw(http, another.token_endpoint, GRANT, **basic_header(*warm.basic))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
