"""A data plane that starts while its database is down comes up by itself."""

import asyncio
import logging
from functools import partial

import httpx

from tests.faults.conftest import Cluster, served_tenant, start_data_plane
from tests.faults.load import until_true
from tests.support import Installation, ask_token

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_STARTED = 15.0  # seconds
_READY = 60.0  # seconds from the database's start


async def status_of(url: str) -> int:
    """Give the status code, or 0 where nobody answers."""
    async with httpx.AsyncClient(timeout=_READY) as http:
        try:
            return (await http.get(url)).status_code
        except httpx.TransportError:
            return 0


async def says(url: str, status: int) -> bool:
    return await status_of(url) == status


async def test_it_lives_unready_until_the_database_starts_and_then_serves(
    cluster: Cluster, own_installation: Installation
) -> None:
    await asyncio.to_thread(cluster.stop)
    with start_data_plane(own_installation) as server:
        await until_true(partial(says, f"{server.url}/livez", 200), "no process", _STARTED)
        async with httpx.AsyncClient() as http:
            readyz = await http.get(f"{server.url}/readyz")
        assert readyz.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert readyz.json() == {"status": "starting", "missing": ["database"]}
        assert await says(f"{server.url}/t/acme/.well-known/jwks.json", 503)
        await asyncio.to_thread(cluster.start)
        ready = partial(says, f"{server.url}/readyz", 200)
        seconds = await until_true(ready, "it does not come up", _READY)
        _log.info("ready %.2f s after the database", seconds)
        async with served_tenant(server) as tenant, httpx.AsyncClient() as http:
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
