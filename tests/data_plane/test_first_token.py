"""The way of a token through the whole plane: real processes, real PostgreSQL."""

import httpx

from tests.support import MadeTenant, ask_token, introspect


async def test_a_client_gets_a_token(http: httpx.AsyncClient, tenant: MadeTenant) -> None:
    answer = await ask_token(http, tenant)
    assert answer.status_code == httpx.codes.OK, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert (body["expires_in"], body["scope"]) == (3600, "read write")
    assert (await introspect(http, tenant, body["access_token"])).json()["active"] is True
