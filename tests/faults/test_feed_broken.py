"""A feed that cannot be read, as with a table mislaid: serving goes on, and so does following."""

import asyncio

import httpx

from control_plane.tenants.actions import suspend_tenant
from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.faults.test_ledger_broken import run_as_owner
from tests.support import Installation, ask_token, opened

_SOON = 60.0  # seconds


async def test_a_change_is_followed_once_the_feed_is_mended(alone: Installation) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_SOON) as http:
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            await run_as_owner(alone, "ALTER TABLE ledger.revocation RENAME TO mislaid")
            async with asyncio.timeout(_SOON):
                while (await http.get(f"{server.url}/readyz")).json()["missing"] != ["database"]:
                    await asyncio.sleep(0.1)
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            await run_as_owner(alone, "ALTER TABLE ledger.mislaid RENAME TO revocation")
            async with opened(alone.control_url) as database:
                await suspend_tenant(database, tenant.slug)
            async with asyncio.timeout(_SOON):
                while (await ask_token(http, tenant)).status_code != httpx.codes.UNAUTHORIZED:
                    await asyncio.sleep(0.05)
