"""What the data plane does with many tenants: latency, throughput, memory, how soon it follows."""

import http.client
import time
from http.client import OK as HTTP_OK
from http.client import SERVICE_UNAVAILABLE as HTTP_UNAVAILABLE
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import asyncpg
import msgspec
import psutil

from control_plane.benchmark.generator import Generator, Job, Load, Mode
from control_plane.benchmark.installation import Installation
from control_plane.benchmark.measure import Spoiled
from control_plane.benchmark.processes import Running
from control_plane.benchmark.requests import post
from shared.runtime.config import Config
from tests.benchmarks.tenants_made import MadeTenant, factory

_FORM = {"grant_type": "client_credentials"}
_CONNECTIONS = 16
_GLANCE = 0.001  # seconds
_PATIENCE = 10.0  # seconds for a change to be seen
_MEGA = 1_000_000  # bytes

_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE usename = $1"
_CATALOGUE = """
SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
"""
_DATABASE = "SELECT pg_database_size(current_database())"


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of one load, or the medians of several."""

    count: int
    refused: int  # of them, with 503: on a busy machine the store is slow at times
    rate: float  # answers a second
    p50: float
    p95: float
    p99: float
    max: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """MB. Proportional sets: a page that n processes share counts an n-th for each."""

    worker_rss: float
    worker_pss: float
    backends: int  # of PostgreSQL, that serve the worker
    backends_pss: float  # all of them
    largest_backend_pss: float


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from a commit of the control plane to the first answer that shows it."""

    changes: int
    p50: float
    max: float


class OnDisk(msgspec.Struct, frozen=True, kw_only=True):
    """MB."""

    catalogue: float
    database: float


def token_requests(tenants: list[MadeTenant], port: int) -> list[bytes]:
    return [
        post(
            port,
            f"{each.path}/oauth/token",
            (each.client.client_id, each.client.client_secret),
            _FORM,
        )
        for each in tenants
    ]


def ask_paced(
    running: Running, requests: list[bytes], rate: float, generator: Generator
) -> Latency:
    """Ask each once, at so many a second. errors: Spoiled"""
    return _load(
        generator,
        Job(
            port=running.port,
            requests=requests,
            mode=Mode.OPEN,
            connections=_CONNECTIONS,
            count=len(requests),
            seconds=len(requests) / rate + _PATIENCE,
            rate=rate,
        ),
    )


def ask_closed(
    running: Running, requests: list[bytes], seconds: float, generator: Generator
) -> Latency:
    """Ask as fast as it answers. errors: Spoiled"""
    return _load(
        generator,
        Job(
            port=running.port,
            requests=requests,
            connections=_CONNECTIONS,
            seconds=seconds,
        ),
    )


def median_of(runs: list[Latency]) -> Latency:
    return Latency(
        count=sum(each.count for each in runs),
        refused=sum(each.refused for each in runs),
        rate=median(each.rate for each in runs),
        p50=median(each.p50 for each in runs),
        p95=median(each.p95 for each in runs),
        p99=median(each.p99 for each in runs),
        max=max(each.max for each in runs),
    )


async def measure_memory(running: Running, installation: Installation) -> Memory:
    worker = max(running.tree, key=lambda each: int(each.memory_info().rss))
    connection = await asyncpg.connect(installation.owner_url)
    try:
        rows = await connection.fetch(_BACKENDS, urlsplit(installation.data_url).username)
        backends = [_pss(row["pid"]) for row in rows]
    finally:
        await connection.close()
    return Memory(
        worker_rss=worker.memory_info().rss / _MEGA,
        worker_pss=_pss(worker.pid),
        backends=len(backends),
        backends_pss=sum(backends),
        largest_backend_pss=max(backends, default=0.0),
    )


async def measure_disk(installation: Installation) -> OnDisk:
    connection = await asyncpg.connect(installation.owner_url)
    try:
        return OnDisk(
            catalogue=await connection.fetchval(_CATALOGUE) / _MEGA,
            database=await connection.fetchval(_DATABASE) / _MEGA,
        )
    finally:
        await connection.close()


async def measure_following(
    running: Running, config: Config, tenants: list[MadeTenant]
) -> Following:
    """Suspend and resume each of them, until it is refused and served. errors: Spoiled"""
    times: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=_PATIENCE)
    async with factory(config) as works:
        for each in tenants:
            await works.suspend(each.slug)
            times.append(_until(connection, each, served=False))
            await works.resume(each.slug)
            times.append(_until(connection, each, served=True))
    connection.close()
    return Following(changes=len(times), p50=median(times) * 1000, max=max(times) * 1000)


def _until(connection: http.client.HTTPConnection, tenant: MadeTenant, *, served: bool) -> float:
    """Give the seconds until a token is issued, or is no more."""
    (request,) = token_requests([tenant], connection.port)
    head, _, body = request.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < _PATIENCE:
        connection.request("POST", f"{tenant.path}/oauth/token", body, fields)
        answer = connection.getresponse()
        answer.read()
        if (answer.status == HTTP_OK) is served:
            return passed
        time.sleep(_GLANCE)
    raise Spoiled("a change of a tenant was never seen")


def _load(generator: Generator, job: Job) -> Latency:
    load: Load = generator.run(job)
    served, refused = (load.statuses.get(each, 0) for each in (HTTP_OK, HTTP_UNAVAILABLE))
    if load.broken or served + refused != load.count or served <= refused:
        shown = load.kept[0][-300:] if load.kept else b""
        raise Spoiled(f"{load.statuses} and {load.broken} unanswered: {shown!r}")
    return Latency(
        count=load.count,
        refused=refused,
        rate=load.rate,
        p50=load.p50,
        p95=load.p95,
        p99=load.p99,
        max=load.max,
    )


def _pss(pid: int) -> float:
    """Give the proportional set in MB; the resident one where the kernel does not tell."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / _MEGA
    except OSError:
        pass
    return float(psutil.Process(pid).memory_info().rss) / _MEGA
