"""Where and when a secret was last used, from the request to the list."""

import asyncio

import httpx

from control_plane.secrets.actions import list_secrets
from shared.runtime.database import Database
from tests.support import MadeTenant, ask_token

_SOON = 60.0  # seconds; the data plane writes every five


async def test_a_used_secret_says_when_and_from_where(
    http: httpx.AsyncClient, database: Database, tenant: MadeTenant
) -> None:
    whose = tenant.tenant_id, tenant.client.client_id
    (unused,) = await list_secrets(database, *whose)
    assert (unused.used_at, unused.used_from) == (None, None)
    assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
    async with asyncio.timeout(_SOON):
        while (await list_secrets(database, *whose))[0].used_at is None:
            await asyncio.sleep(0.1)
    (used,) = await list_secrets(database, *whose)
    assert used.used_from == "127.0.0.1"
    assert used.used_at is not None
    assert used.used_at >= used.created_at.replace(microsecond=0)
