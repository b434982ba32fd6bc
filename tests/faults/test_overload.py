"""More than can be served in time (row 18): it is refused at once, and the rest goes on."""

import asyncio
import logging
from collections import Counter

import asyncpg
import httpx

from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.support import Installation, MadeTenant, ask_token

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_BURST = 600  # requests at one moment, for one worker
_PATIENCE = 30.0  # seconds
_SLOW = 300  # clients that do not send what they have announced


async def test_a_burst_on_a_ledger_that_hangs_is_refused_while_documents_are_served(
    alone: Installation,
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, patient_client() as http:
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            owner = await asyncpg.connect(alone.owner_url)
            async with owner.transaction():
                await owner.execute("LOCK TABLE ledger.issued IN EXCLUSIVE MODE")
                burst = [asyncio.create_task(ask_token(http, tenant)) for _ in range(_BURST)]
                jwks = await http.get(f"{tenant.issuer}/.well-known/jwks.json")
                answers = await asyncio.gather(*burst)
            await owner.close()
            assert jwks.status_code == httpx.codes.OK
            refused = [each for each in answers if each.status_code != httpx.codes.OK]
            why = Counter(each.json()["error_description"] for each in refused)
            _log.info("%d of %d refused: %s", len(refused), _BURST, dict(why))
            assert why["the service is busy"] > 0
            assert {each.status_code for each in refused} == {httpx.codes.SERVICE_UNAVAILABLE}
            assert all(each.headers["retry-after"] == "1" for each in refused)
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK


async def test_clients_that_send_slowly_keep_nobody_out(installation: Installation) -> None:
    with run_server(installation, workers=1) as server:
        async with served_tenant(server) as tenant, patient_client() as http:
            slow = [await announce(tenant) for _ in range(_SLOW)]
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            for writer in slow:
                writer.close()


def patient_client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=_BURST + 1)
    return httpx.AsyncClient(timeout=_PATIENCE, limits=limits)


async def announce(tenant: MadeTenant) -> asyncio.StreamWriter:
    """Send a request's head, and nothing of its body."""
    url = httpx.URL(tenant.token_endpoint)
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nContent-Length: 29\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    return writer
