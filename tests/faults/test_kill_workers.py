"""Workers ended by kill -9 while tokens are fetched: what was answered is in the ledger."""

import asyncio
import logging
import time
from collections.abc import Iterator
from functools import partial

import httpx
import psutil
import pytest

from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.faults.load import Load, not_in_ledger, under_load, until_true
from tests.support import Installation, MadeTenant, Server, ask_token

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_KILLS = 10
_INTERVAL = 0.5  # seconds between two kills
_BACK = 60.0  # seconds until the server must serve again, on a busy machine
_CUT_BY_A_KILL = 16  # requests: those in flight, and those that meet the socket of the dying


@pytest.fixture
def victim(installation: Installation) -> Iterator[Server]:
    with run_server(installation) as server:
        yield server


def workers_of(server: Server) -> list[psutil.Process]:
    """Give the workers that run, the oldest first."""
    main = psutil.Process(server.pid)
    assert main.status() != psutil.STATUS_ZOMBIE, "the server has ended, not only a worker"
    return sorted(filter(runs, main.children()), key=psutil.Process.create_time)


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def all_workers_back(server: Server, seen: set[int]) -> bool:
    """Two workers run, and none of them is one that was killed."""
    running = {each.pid for each in workers_of(server)}
    return len(running) == 2 and running.isdisjoint(seen)


async def serves(tenant: MadeTenant) -> bool:
    async with httpx.AsyncClient(timeout=_BACK) as http:
        try:
            return (await ask_token(http, tenant)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


async def assert_nothing_lost(server: Server, load: Load, kills: int) -> None:
    figures = f"{len(load.jtis)} answered, {load.cut} cut, {load.refused} refused, {kills} kills"
    _log.info(figures)
    missing = await not_in_ledger(server.installation, load.jtis)
    assert not missing, f"{len(missing)} answered tokens are not in the ledger: {figures}"
    # a busy machine may have neither the ledger nor the spool in time, and says so
    assert set(load.statuses()) <= {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    assert load.cut <= kills * _CUT_BY_A_KILL, figures
    assert load.refused == 0, "nobody listened"


async def test_every_answered_token_is_in_the_ledger_though_workers_are_killed(
    victim: Server,
) -> None:
    async with served_tenant(victim) as tenant, under_load(tenant) as load:
        for _ in range(_KILLS):
            workers_of(victim)[0].kill()  # the oldest: so the two die in turn
            await asyncio.sleep(_INTERVAL)
        back = await until_true(partial(serves, tenant), "it does not serve again", _BACK)
    _log.info("served again after %.2f s", back)
    await assert_nothing_lost(victim, load, _KILLS)


async def test_the_server_serves_again_when_all_workers_were_killed_at_once(
    victim: Server,
) -> None:
    async with served_tenant(victim) as tenant, under_load(tenant) as load:
        killed = workers_of(victim)
        for worker in killed:
            worker.kill()
        start = time.monotonic()
        before = len(load.answers)
        await until_true(partial(serves, tenant), "it does not serve again", _BACK)
        _log.info("served again after %.2f s", time.monotonic() - start)
        pids = {each.pid for each in killed}
        await until_true(partial(all_workers_back, victim, pids), "a worker stays away", _BACK)
        assert len(load.answers) > before
    await assert_nothing_lost(victim, load, kills=1)  # one moment, so one request each


async def test_a_worker_killed_again_right_after_its_return_is_replaced_again(
    victim: Server,
) -> None:
    async with served_tenant(victim) as tenant:
        for _ in range(3):
            youngest = workers_of(victim)[-1]
            youngest.kill()
            pids = {youngest.pid}
            await until_true(partial(all_workers_back, victim, pids), "a worker stays away", _BACK)
            await until_true(partial(serves, tenant), "it does not serve again", _BACK)


async def test_workers_end_when_their_main_process_is_killed(victim: Server) -> None:
    main = psutil.Process(victim.pid)
    workers = main.children()
    main.kill()
    main.wait(_BACK)
    await asyncio.to_thread(psutil.wait_procs, workers, timeout=_BACK)
    orphans = [each for each in workers if runs(each)]
    for orphan in orphans:  # or they would hold the port, and answer, for ever
        orphan.kill()
    assert not orphans
