"""What a benchmark has found: for the table, the charts and the JSON."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec
import psutil

from control_plane.benchmark.generator import Load

_MEGA = 1_000_000  # bytes
_PACKAGES = (
    "auth-service",
    "httptools",
    "uvloop",
    "litestar",
    "msgspec",
    "cryptography",
    "asyncpg",
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a load, beside what the server spent on it."""

    rate: float  # answers a second
    count: int
    p50: float  # milliseconds, as the next two
    p95: float
    p99: float
    cpu_us: float  # microseconds of the server's CPU for an answer
    busiest: float  # the part of that which its busiest process spent, 0 to 1
    void: int = 0  # runs before it that had answers of 503


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Some runs of the same load: their medians, and each rate."""

    name: str
    rate: float
    p50: float
    p95: float
    p99: float
    cpu_us: float
    busiest: float
    count: int  # answers in all, each as expected
    rates: list[float]
    void: int = 0  # runs that had answers of 503, and were repeated


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """Ours and a peer in turns: the median of the ratios of neighbours."""

    ours: Measured
    theirs: Measured
    ratio: float
    ratios: list[float]
    cpu_ratio: float  # of the servers' CPU an answer, theirs to ours: a busy machine moves it less


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Another implementation. `reason`: why there are no figures, or not all."""

    name: str
    version: str
    how: str  # it was run, in a few words
    reason: str = ""
    algorithms: dict[str, Paired] = {}
    memory: float = 0.0  # MB, after the load
    seconds_to_ready: float = 0.0


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What one core of this machine does, with nothing of ours in it."""

    signatures: dict[str, float]  # algorithm -> a second, bare
    http: float  # answers a second of a tiny ASGI application


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's resident set in MB, as tokens were issued; and the ledger's growth meanwhile."""

    tokens: int
    early: float  # after a tenth of them
    late: float
    ledger_bytes_per_token: float
    ledger_partitions: int


class Starts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the start of the process to the first 200."""

    data_plane: list[float]
    dev_first: float  # from nothing
    dev_later: float


class Workers(msgspec.Struct, frozen=True, kw_only=True):
    """The second worker, measured and computed (decision 0012)."""

    one: Measured
    two: Measured
    measured_ratio: float
    computed_ratio: float


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    tokens: dict[str, Measured]  # by algorithm
    of_bare: dict[str, float]  # by algorithm: the part of the bare signatures, median of pairs
    others: dict[str, Measured]
    memory: Memory
    starts: Starts
    workers: Workers


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load_average: float  # when it began; much more than 0 says that others were at work
    server_core: int | None
    other_core: int | None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `measured` and `met` are None where this run could not tell."""

    id: str
    measured: float | None
    target: float
    met: bool | None
    unit: str
    note: str = ""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    machine: Machine
    versions: dict[str, str]
    limit: Limit
    ours: Ours
    peers: list[Peer]
    targets: list[Target]
    form: str  # "full", "quick" …: how long and how often it was measured
    seconds: float  # the whole of it


def run_of(load: Load, spent: dict[int, float], void: int = 0) -> Run:
    """`spent`: what each process of the server has spent on it, in seconds."""
    total = sum(spent.values())
    return Run(
        rate=load.rate,
        count=load.count,
        p50=load.p50,
        p95=load.p95,
        p99=load.p99,
        cpu_us=total / load.count * _MEGA,
        busiest=max(spent.values()) / total if total else 0.0,
        void=void,
    )


def median_of(name: str, runs: list[Run]) -> Measured:
    return Measured(
        name=name,
        rate=median(each.rate for each in runs),
        p50=median(each.p50 for each in runs),
        p95=median(each.p95 for each in runs),
        p99=median(each.p99 for each in runs),
        cpu_us=median(each.cpu_us for each in runs),
        busiest=median(each.busiest for each in runs),
        count=sum(each.count for each in runs),
        rates=[each.rate for each in runs],
        void=sum(each.void for each in runs),
    )


def describe_machine(server_core: int | None, other_core: int | None) -> Machine:
    return Machine(
        cpu=_cpu_model(),
        cores=psutil.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
        server_core=server_core,
        other_core=other_core,
    )


def describe_versions(postgres: str) -> dict[str, str]:
    return {each: version(each) for each in _PACKAGES} | {"postgresql": postgres}


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
