"""Row B17: what was presented once stays spent through restarts, and without its store is refused.

The issuer's URL must outlive the server's port, so it is given.
"""

import httpx

from tests.assertions import SigningClient, ask_by_assertion, make_signing_client
from tests.conftest import run_server
from tests.faults.test_ledger_broken import run_as_owner
from tests.support import Installation, Server

_PUBLIC_URL = "http://127.0.0.1:1"


async def ask(server: Server, client: SigningClient, assertion: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as http:
        form = {
            "grant_type": "client_credentials",
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        path = client.tenant.token_endpoint.removeprefix(_PUBLIC_URL)
        return await http.post(server.url + path, data=form)


async def test_b17_a_restart_revives_no_assertion(alone: Installation) -> None:
    with run_server(alone, PUBLIC_URL=_PUBLIC_URL) as server:
        client = await make_signing_client(
            Server(url=_PUBLIC_URL, pid=server.pid, installation=alone)
        )
        assertion = client.assertion()
        assert (await ask(server, client, assertion)).status_code == 200
    with run_server(alone, PUBLIC_URL=_PUBLIC_URL) as server:
        assert (await ask(server, client, assertion)).status_code == 401
        assert (await ask(server, client, client.assertion())).status_code == 200


async def test_b17_without_the_store_it_is_503_and_not_taken(alone: Installation) -> None:
    with run_server(alone, workers=1) as server:
        client = await make_signing_client(server)
        async with httpx.AsyncClient(timeout=60) as http:
            assert (await ask_by_assertion(http, client, client.assertion())).status_code == 200
            await run_as_owner(alone, "ALTER TABLE ledger.replay RENAME TO mislaid")
            answer = await ask_by_assertion(http, client, client.assertion())
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            await run_as_owner(alone, "ALTER TABLE ledger.mislaid RENAME TO replay")
            assert (await ask_by_assertion(http, client, client.assertion())).status_code == 200
