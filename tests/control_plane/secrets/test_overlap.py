"""What a running data plane takes while a client's secrets are rotated (hostile inputs, B12)."""

import asyncio

import httpx

from control_plane.secrets.actions import finish_rotation, start_rotation
from control_plane.secrets.rules import AskedSecret
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.support import MadeTenant

_PATIENCE = 60.0  # seconds
_IN_A_ROW = 20  # so that each worker has answered


async def status(http: httpx.AsyncClient, tenant: MadeTenant, secret: str) -> int:
    form = {"grant_type": "client_credentials"}
    login = (tenant.client.client_id, secret)
    closing = {"Connection": "close"}  # the next request may reach another worker
    answer = await http.post(tenant.token_endpoint, data=form, auth=login, headers=closing)
    return answer.status_code


async def until_all(
    http: httpx.AsyncClient, tenant: MadeTenant, secret: str, expected: int
) -> None:
    """Wait until every worker answers so: none of them other than so, many times in a row."""
    async with asyncio.timeout(_PATIENCE):
        row = 0
        while row < _IN_A_ROW:
            row = row + 1 if await status(http, tenant, secret) == expected else 0


async def test_b12_both_secrets_work_in_the_overlap_and_only_the_new_one_after_it(
    http: httpx.AsyncClient, database: Database, config: Config, tenant: MadeTenant
) -> None:
    old, whose = tenant.client.client_secret, (tenant.tenant_id, tenant.client.client_id)
    await until_all(http, tenant, old, 200)
    made = await start_rotation(database, config.secret_peppers, *whose, AskedSecret(), 600)
    await until_all(http, tenant, made.client_secret, 200)
    assert await status(http, tenant, old) == 200
    await finish_rotation(database, *whose)
    await until_all(http, tenant, old, 401)
    assert await status(http, tenant, made.client_secret) == 200
