"""The spool under load: PostgreSQL silent, workers killed while they spool, no room left."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import msgspec

from tests.conftest import run_server
from tests.faults.books import assert_recorded_once
from tests.faults.conftest import Cluster, served_tenant, start_data_plane
from tests.faults.load import under_load, until, until_true
from tests.faults.relay import Relay, relayed
from tests.faults.test_kill_workers import all_workers_back, serves, workers_of
from tests.support import Installation, Server

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_MORE = 200  # tokens
_IN_TIME = 60.0  # seconds
_OK, _UNAVAILABLE = httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE


@asynccontextmanager
async def behind_relay(installation: Installation) -> AsyncIterator[tuple[Server, Relay]]:
    async with relayed(installation.data_url) as (url, relay):
        behind = msgspec.structs.replace(installation, data_url=url)
        stack = ExitStack()
        server = stack.enter_context(start_data_plane(behind))
        try:
            await until_true(partial(is_ready, server), "it does not come up", _IN_TIME)
            yield server, relay
        finally:
            relay.release()
            await asyncio.to_thread(stack.close)  # the relay serves the server's end too


async def is_ready(server: Server) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"{server.url}/readyz")).status_code == _OK
        except httpx.TransportError:
            return False


async def test_a_database_that_falls_silent_under_load_costs_no_token_and_no_record(
    alone: Installation,
) -> None:
    async with behind_relay(alone) as (server, relay), served_tenant(server) as tenant:
        async with under_load(tenant) as load:
            relay.hold()
            before = len(load.jtis)
            await until(lambda: len(load.jtis) > before + _MORE, "no tokens", _IN_TIME)
            relay.release()
            before = len(load.jtis)
            await until(lambda: len(load.jtis) > before + _MORE, "no tokens", _IN_TIME)
        assert set(load.statuses()) == {_OK}
        recorded = await assert_recorded_once(alone, load.jtis)
        slowest = max(each.seconds for each in load.answers)
        _log.info("slowest answer %.3f s; all there %.2f s after the end", slowest, recorded)


async def test_a_database_whose_answers_are_lost_has_every_token_once(
    alone: Installation,
) -> None:
    async with behind_relay(alone) as (server, relay), served_tenant(server) as tenant:
        async with under_load(tenant) as load:
            for _ in range(3):
                relay.hold_answers()
                before = len(load.jtis)
                await until(lambda: len(load.jtis) > before + _MORE, "no tokens", _IN_TIME)  # noqa: B023 - awaited here
                relay.release()
        await assert_recorded_once(alone, load.jtis)


async def test_workers_killed_while_they_spool_leave_what_they_answered_to_the_next(
    cluster: Cluster, own_installation: Installation, tmp_path: Path
) -> None:
    with run_server(own_installation, SPOOL_DIR=str(tmp_path)) as server:
        async with served_tenant(server) as tenant, under_load(tenant) as load:
            await asyncio.to_thread(cluster.kill)
            before = len(load.jtis)
            await until(lambda: len(load.jtis) > before + _MORE, "no tokens", _IN_TIME)
            killed = workers_of(server)
            for worker in killed:
                worker.kill()
            left = len(load.jtis)
            pids = {each.pid for each in killed}
            await until_true(partial(all_workers_back, server, pids), "no workers", _IN_TIME)
            assert list(tmp_path.glob("*.spool"))
            await asyncio.to_thread(cluster.start)
            await until_true(partial(serves, tenant), "it does not serve again", _IN_TIME)
        recorded = await assert_recorded_once(own_installation, load.jtis)
        _log.info("%d tokens were left; all there after %.2f s", left - before, recorded)


async def test_a_spool_without_room_refuses_and_what_it_had_answered_is_recorded(
    cluster: Cluster, own_installation: Installation
) -> None:
    with run_server(own_installation, workers=1, SPOOL_LIMIT="65536") as server:
        async with served_tenant(server) as tenant, under_load(tenant) as load:
            await asyncio.to_thread(cluster.kill)
            await until(lambda: load.statuses()[_UNAVAILABLE] > 0, "it takes all", _IN_TIME)
            await asyncio.to_thread(cluster.start)
            before = len(load.jtis)
            await until(lambda: len(load.jtis) > before + _MORE, "no tokens again", _IN_TIME)
        assert set(load.statuses()) == {_OK, _UNAVAILABLE}
        refused = [each for each in load.answers if each.status == _UNAVAILABLE]
        assert {each.retry_after for each in refused} == {"1"}
        await assert_recorded_once(own_installation, load.jtis)
