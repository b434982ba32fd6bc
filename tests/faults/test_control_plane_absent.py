"""The control plane's login locked out: the data plane notices nothing (faults.md row 12)."""

import asyncpg
import httpx
import pytest

from tests.conftest import run_server
from tests.faults.conftest import login_locked_out, served_tenant
from tests.faults.load import under_load, until
from tests.support import Installation, MadeTenant, introspect

_TOKENS = 500


async def fetch_tokens(tenant: MadeTenant) -> None:
    async with under_load(tenant) as load:
        await until(lambda: len(load.answers) >= _TOKENS, "tokens do not flow")
    assert set(load.statuses()) == {httpx.codes.OK}
    assert (load.cut, load.refused) == (0, 0)


async def test_tokens_flow_and_servers_start_while_the_control_plane_cannot_log_in(
    alone: Installation,
) -> None:
    with run_server(alone) as server:
        async with served_tenant(server) as tenant:
            pass  # its control plane has gone
        async with login_locked_out(alone, "control"):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await asyncpg.connect(alone.control_url)
            await fetch_tokens(tenant)
            with run_server(alone, PUBLIC_URL=server.url) as second:
                await fetch_at(second.url, tenant)


async def fetch_at(url: str, tenant: MadeTenant) -> None:
    """Fetch and introspect a token at a server that started without the control plane."""
    async with httpx.AsyncClient(base_url=f"{url}/t/{tenant.slug}/oauth/") as http:
        form = {"grant_type": "client_credentials"}
        answer = await http.post("token", data=form, auth=tenant.basic)
        assert answer.status_code == httpx.codes.OK, answer.text
        answer = await introspect(http, tenant, answer.json()["access_token"])
        assert answer.json()["active"] is True
