"""SIGTERM: what was begun is finished, and what was answered is recorded."""

import asyncio
import logging
import os
import signal

import httpx
import psutil

from tests.conftest import run_server
from tests.faults.conftest import served_tenant, start_data_plane
from tests.faults.load import CONNECTIONS, not_in_ledger, under_load, until_true
from tests.support import Installation, Server

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_IN_TIME = 10.0  # seconds


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


async def test_a_stop_while_the_workers_start_is_heard_too(installation: Installation) -> None:
    with start_data_plane(installation) as server:
        process = psutil.Process(server.pid)

        async def has_workers() -> bool:
            return len(process.children()) == 2

        await until_true(has_workers, "no workers", _IN_TIME)
        os.kill(server.pid, signal.SIGTERM)
        await exit_code_of(server)
