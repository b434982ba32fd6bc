"""Key sets that are somewhere else: a client's `jwks_uri`, an outside issuer's metadata (H3, H5).

A server of its own, which may fetch from this machine.
"""

from collections.abc import AsyncIterator
from secrets import token_hex

import httpx
import msgspec
import pytest

from control_plane.clients.actions import register_client
from control_plane.clients.rules import ClientKeys, NewClient
from control_plane.workloads.actions import add_workload
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.domain.workload import WorkloadRule
from shared.runtime.config import read_config
from tests.assertions import SigningClient, ask_by_assertion, new_key_pair
from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.outside import Outside, outside, saying
from tests.support import Installation, MadeTenant, Server, opened

_HERE = "127.0.0.0/8"


@pytest.fixture
async def other() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


def key_set(*keys: object) -> bytes:
    return msgspec.json.encode({"keys": keys})


async def register(
    server: Server, tenant: MadeTenant, new: NewClient, rule: WorkloadRule | None = None
) -> ClientId:
    environment = server.installation.environment(server.url) | {"OUTBOUND_NETWORKS": _HERE}
    config = read_config(environment)
    async with opened(server.installation.control_url) as database:
        made = await register_client(
            database, config.secret_peppers, tenant.tenant_id, new, config.outbound_networks
        )
        if rule is not None:
            await add_workload(database, tenant.tenant_id, made.client_id, rule)
    return made.client_id


async def test_a_clients_keys_are_read_from_its_uri_and_kept_while_it_is_away(
    alone: Installation, other: Outside
) -> None:
    with run_server(alone, workers=1, OUTBOUND_NETWORKS=_HERE) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=10) as http:
            kid = token_hex(4)
            key, jwk = new_key_pair(kid)
            other.answers["/jwks"] = saying(key_set(jwk))
            new = NewClient(
                name="signs",
                apis=(tenant.audience,),
                auth_method=AuthMethod.PRIVATE_KEY_JWT,
                keys=ClientKeys(jwks_uri=f"{other.url}/jwks"),
            )
            client_id = await register(server, tenant, new)
            client = SigningClient(tenant=tenant, client_id=client_id, key=key, kid=kid)
            assert (await ask_by_assertion(http, client, client.assertion())).status_code == 200
            other.answers["/jwks"] = saying(b"gone", status="500 Internal Server Error")
            for _ in range(5):
                answer = await ask_by_assertion(http, client, client.assertion())
                assert answer.status_code == 200
            unknown = [client.sign(client.claims(), kid=token_hex(8)) for _ in range(20)]
            for each in unknown:
                assert (await ask_by_assertion(http, client, each)).status_code == 401
            assert len(other.paths) == 1  # nobody makes us ask again within 30 s


async def test_an_outside_issuers_keys_are_found_by_its_metadata(
    alone: Installation, other: Outside
) -> None:
    with run_server(alone, workers=1, OUTBOUND_NETWORKS=_HERE) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=10) as http:
            key, jwk = new_key_pair("k")
            metadata = {"issuer": other.url, "jwks_uri": f"{other.url}/jwks"}
            document = msgspec.json.encode(metadata)
            other.answers["/.well-known/openid-configuration"] = saying(document)
            other.answers["/jwks"] = saying(key_set(jwk))
            new = NewClient(
                name="job", apis=(tenant.audience,), auth_method=AuthMethod.WORKLOAD_IDENTITY
            )
            rule = WorkloadRule(name="job", issuer=other.url, claims={"sub": "job-*"})
            client_id = await register(server, tenant, new, rule)
            job = SigningClient(tenant=tenant, client_id=client_id, key=key, kid="k")
            token = job.assertion(iss=other.url, sub="job-1")
            assert (await ask_by_assertion(http, job, token)).status_code == 200
            other_job = job.assertion(iss=other.url, sub="task-1")
            assert (await ask_by_assertion(http, job, other_job)).status_code == 401


async def test_h3_without_leave_nothing_on_this_machine_is_asked(
    alone: Installation, other: Outside
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=10) as http:
            key, _ = new_key_pair("k")
            new = NewClient(
                name="signs",
                apis=(tenant.audience,),
                auth_method=AuthMethod.PRIVATE_KEY_JWT,
                keys=ClientKeys(jwks_uri=f"{other.url}/jwks"),
            )
            client_id = await register(server, tenant, new)
            client = SigningClient(tenant=tenant, client_id=client_id, key=key, kid="k")
            answer = await ask_by_assertion(http, client, client.assertion())
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
            assert other.connections == 0
