"""SIGHUP: new workers take the place of the old, one by one, and no client notices (row 14)."""

import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.faults.load import under_load, until, until_true
from tests.faults.raw_client import raw_clients
from tests.faults.worker_lines import lines_to_workers
from tests.support import PEPPER, Installation, Server

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

_RELOADS = int(os.environ.get("RELOADS", "2"))  # the promise is for 10
_CLIENTS = 2
_PATIENCE = 60.0  # seconds
_SETTLED = 5.0  # seconds
_MEANWHILE = 200  # answers, in which a broken worker would have had its share
_TREE = Path(__file__).parents[2]


def workers_of(server: Server) -> set[int]:
    return {each.pid for each in psutil.Process(server.pid).children()}


def reload_workers(server: Server) -> None:
    os.kill(server.pid, signal.SIGHUP)


async def until_replaced(server: Server, before: set[int]) -> None:
    def replaced() -> bool:
        now = workers_of(server)
        return len(now) == len(before) and now.isdisjoint(before)

    await until(replaced, "the workers were not replaced", _PATIENCE)


@pytest.mark.timeout(540 + 30 * _RELOADS)
async def test_no_request_fails_while_the_workers_are_replaced_again_and_again(
    installation: Installation,
) -> None:
    with run_server(installation) as server:
        async with (
            served_tenant(server) as tenant,
            under_load(tenant) as load,
            raw_clients(tenant, _CLIENTS) as raw,
        ):
            for _ in range(_RELOADS):
                before = workers_of(server)
                reload_workers(server)
                await until_replaced(server, before)
            seen = raw.connections
            answered = raw.statuses.total()
            await until(lambda: raw.statuses.total() > answered + 50, "no tokens flow any more")
    _log.info("%d and %d answered, %d connections", len(load.answers), raw.statuses.total(), seen)
    assert not raw.broken
    assert (load.cut, load.refused) == (0, 0)
    assert set(raw.statuses) | set(load.statuses()) == {httpx.codes.OK}
    # they were told to come anew: no connection was left to break
    assert seen > _CLIENTS


async def followed_at(server: Server) -> float:
    """When the worker that is furthest behind has looked for changes, by the metrics."""
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{server.url}/metrics")).text
    return float(metrics.partition("\nsnapshots_followed_timestamp_seconds ")[2].split()[0])


async def test_the_gauges_of_replaced_workers_are_forgotten(installation: Installation) -> None:
    with run_server(installation) as server:
        before = workers_of(server)
        reload_workers(server)
        await until_replaced(server, before)
        replaced_at = time.time()

        async def is_recent() -> bool:
            return await followed_at(server) > replaced_at

        await until_true(is_recent, "a worker that has ended is still counted", _PATIENCE)


async def assert_old_workers_serve_on(
    server: Server, before: set[int], tried: Callable[[], bool]
) -> None:
    """Reload until `tried` says that the new worker has had its chance: it answers nobody."""
    async with served_tenant(server) as tenant, raw_clients(tenant, _CLIENTS) as raw:
        reload_workers(server)
        await until(tried, "no worker was tried", _PATIENCE)
        answered = raw.statuses.total()
        await until(
            lambda: raw.statuses.total() > answered + _MEANWHILE, "no tokens flow", _PATIENCE
        )
    assert not raw.broken
    assert set(raw.statuses) == {httpx.codes.OK}
    assert before <= workers_of(server)


def came_and_went(server: Server, before: set[int]) -> Callable[[], bool]:
    """Tell, asked again and again, whether a new worker has been and is gone."""
    seen: set[int] = set()

    def ask() -> bool:
        now = workers_of(server) - before
        seen.update(now)
        return bool(seen) and not now

    return ask


def has_settled(server: Server, before: set[int]) -> Callable[[], bool]:
    """Tell whether a new worker has run for long enough to serve, had it been able to."""

    def ask() -> bool:
        new = (psutil.Process(pid) for pid in workers_of(server) - before)
        return any(time.time() - each.create_time() > _SETTLED for each in new)

    return ask


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the workers run, to be changed under them.

    What was compiled goes with it: Python compiles anew what has another size.
    """
    for package in ("control_plane", "data_plane", "shared"):
        shutil.copytree(_TREE / package, tmp_path / package)
    return tmp_path


async def all_serving(server: Server) -> set[int]:
    """Give the workers once each of them serves: the server is ready as soon as one does."""
    async with lines_to_workers(server):
        return workers_of(server)


async def test_a_broken_build_takes_no_traffic_and_a_whole_one_takes_all(
    installation: Installation, tree: Path
) -> None:
    health = tree / "data_plane/handlers/health.py"
    with run_server(installation, tree=tree) as server:
        before = await all_serving(server)
        whole = health.read_text()
        health.write_text(whole + "\nraise RuntimeError('a broken build')\n")
        await assert_old_workers_serve_on(server, before, came_and_went(server, before))
        health.write_text(whole.replace('{"status": "ok"}', '{"status": "newer"}'))
        # what both planes share is as new as the rest: a fork would have kept the old
        leaving = tree / "shared/runtime/leaving.py"
        leaving.write_text(leaving.read_text() + "\nNEWER = True\n")
        with health.open("a") as file:
            file.write("\nfrom shared.runtime.leaving import NEWER\nassert NEWER\n")
        reload_workers(server)
        await until_replaced(server, before)
        async with httpx.AsyncClient() as http:
            livez = await http.get(f"{server.url}/livez")
        assert livez.json() == {"status": "newer"}


async def test_a_configuration_that_is_wrong_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    pepper = tmp_path / "pepper"
    pepper.write_text(PEPPER)
    with run_server(installation, SECRET_PEPPER="", SECRET_PEPPER_FILE=str(pepper)) as server:
        before = await all_serving(server)
        pepper.write_text("no key")
        await assert_old_workers_serve_on(server, before, lambda: True)
        assert workers_of(server) == before


async def test_a_worker_that_cannot_log_in_to_the_database_takes_no_traffic(
    installation: Installation, tmp_path: Path
) -> None:
    url = tmp_path / "url"
    url.write_text(installation.data_url)
    with run_server(installation, DATABASE_URL="", DATABASE_URL_FILE=str(url)) as server:
        before = await all_serving(server)
        url.write_text(installation.data_url.replace("@", "wrong@", 1))
        await assert_old_workers_serve_on(server, before, has_settled(server, before))


async def test_sighup_after_sighup_and_then_a_stop_leaves_nothing_behind(
    installation: Installation,
) -> None:
    with run_server(installation) as server:
        before = workers_of(server)
        for _ in range(3):
            reload_workers(server)
        await until(lambda: workers_of(server) != before, "no worker was started", _PATIENCE)
        os.kill(server.pid, signal.SIGTERM)
        psutil.Process(server.pid).wait(_PATIENCE)
        assert not workers_started_by(server.pid)


@pytest.mark.parametrize("delay", [0.002, 0.005])
async def test_a_stop_that_meets_a_reload_leaves_no_worker_behind(
    installation: Installation, delay: float
) -> None:
    with run_server(installation) as server:
        reload_workers(server)
        time.sleep(delay)  # the new worker is being made about now
        os.kill(server.pid, signal.SIGTERM)
        psutil.Process(server.pid).wait(_PATIENCE)
        assert not workers_started_by(server.pid)


def workers_started_by(pid: int) -> list[psutil.Process]:
    """Give the workers that run still, whoever is their parent now; each is told who made it."""
    marks = ["control_plane.cli.worker", str(pid)]
    return [
        each
        for each in psutil.process_iter(["cmdline"])
        if all(mark in (each.info["cmdline"] or ()) for mark in marks)
    ]
