"""SIGTERM: balancers hear of it, what was begun is finished, what was answered is recorded."""

import asyncio
import logging
import os
import signal
import time
from functools import partial

import httpx
import psutil

from tests.conftest import run_server
from tests.faults.conftest import served_tenant, start_data_plane
from tests.faults.load import CONNECTIONS, not_in_ledger, under_load, until_true
from tests.faults.raw_client import raw_clients
from tests.support import Installation, Server

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_IN_TIME = 60.0  # seconds
_DELAY = 6  # seconds that it is told to serve on
_ASKED_FOR = 4  # of them; on a busy machine a question takes a second


async def exit_code_of(server: Server) -> int:
    """Wait for the server's end."""
    code = await asyncio.to_thread(psutil.Process(server.pid).wait, _IN_TIME)
    assert code is not None
    return int(code)


async def test_a_stop_under_load_loses_no_record_and_exits_with_0(
    installation: Installation,
) -> None:
    with run_server(installation) as server:
        async with served_tenant(server) as tenant:
            workers = psutil.Process(server.pid).children()
            async with under_load(tenant) as load:
                os.kill(server.pid, signal.SIGTERM)
                code = await exit_code_of(server)
            missing = await not_in_ledger(installation, load.jtis)
    _log.info("%d answered, %d lost, %d cut", len(load.jtis), len(missing), load.cut)
    assert not missing
    assert set(load.statuses()) == {httpx.codes.OK}
    # a keep-alive connection that the server closes just as the client writes to it
    assert load.cut <= CONNECTIONS
    assert code == 0
    assert not [each for each in workers if each.is_running()]


async def test_it_serves_on_unready_until_balancers_have_heard_and_no_request_is_cut(
    installation: Installation,
) -> None:
    with run_server(installation, DRAIN_DELAY=str(_DELAY)) as server:
        async with served_tenant(server) as tenant, raw_clients(tenant, CONNECTIONS) as raw:
            os.kill(server.pid, signal.SIGTERM)
            asked_at = time.monotonic()
            await until_true(partial(is_draining, server), "readyz says nothing", _DELAY)
            connections, answered = raw.connections, raw.statuses.total()
            os.kill(server.pid, signal.SIGTERM)  # changes nothing
            os.kill(server.pid, signal.SIGINT)
            while time.monotonic() < asked_at + _ASKED_FOR:
                assert await is_draining(server)
            served_on = raw.statuses.total() - answered
            assert not raw.broken
            # each answer has told its client to go: a connection for each request
            assert raw.connections - connections >= served_on - 2 * CONNECTIONS
            code = await exit_code_of(server)
    assert served_on > CONNECTIONS
    assert set(raw.statuses) == {httpx.codes.OK}
    assert code == 0


async def is_draining(server: Server) -> bool:
    async with httpx.AsyncClient(timeout=_IN_TIME) as http:
        readyz = await http.get(f"{server.url}/readyz")
    draining = readyz.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert not draining or readyz.json()["status"] == "draining"
    return draining


async def test_a_stop_while_the_workers_start_is_heard_too(installation: Installation) -> None:
    with start_data_plane(installation) as server:
        process = psutil.Process(server.pid)

        async def has_workers() -> bool:
            return len(process.children()) == 2

        await until_true(has_workers, "no workers", _IN_TIME)
        os.kill(server.pid, signal.SIGTERM)
        await exit_code_of(server)
