"""The database refuses the data plane's login for a while, as while a password is changed.

For those who ask it is an outage like any other, and it ends by itself.
"""

from functools import partial

import httpx

from tests.conftest import run_server
from tests.faults.books import assert_recorded_once
from tests.faults.conftest import login_locked_out, served_tenant
from tests.faults.load import claim_of, until_true
from tests.support import Installation, MadeTenant, ask_token

_BACK = 60.0  # seconds


async def gives(tenant: MadeTenant, status: int) -> bool:
    async with httpx.AsyncClient() as http:
        return (await ask_token(http, tenant)).status_code == status


async def follows(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        return bool((await http.get(f"{url}/readyz")).json() == {"status": "ok", "missing": []})


async def test_a_refused_login_is_an_outage_and_no_mistake_of_ours(
    alone: Installation,
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant:
            assert await gives(tenant, httpx.codes.OK)
            async with login_locked_out(alone, "data"), httpx.AsyncClient() as http:
                answers = [await ask_token(http, tenant) for _ in range(5)]
                assert [each.status_code for each in answers] == [httpx.codes.OK] * 5
            await until_true(partial(gives, tenant, httpx.codes.OK), "no tokens", _BACK)
            jtis = [claim_of(each.json()["access_token"], "jti") for each in answers]
            await assert_recorded_once(alone, jtis)
            await until_true(partial(follows, server.url), "it follows no more", _BACK)
