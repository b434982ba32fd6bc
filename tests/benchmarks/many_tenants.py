"""`make bench-tenants`: 1, 1,000 and 10,000 tenants; what each costs, and what it costs the others.

    python -m tests.benchmarks.many_tenants --tenants 1 --tenants 1000 --tenants 10000

An installation of its own grows from size to size. Beside it stands another with one tenant: both
are asked in turns, so that what slows the machine slows both (target P8 is the ratio). It takes
some twenty minutes, of which making the tenants takes most; --short makes 20 of them.
BENCH_TENANTS_JSON=path writes all that was found, for `make bench` to read.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import click
import msgspec

from control_plane.benchmark.cores import Cores, choose_cores
from control_plane.benchmark.generator import Generator, started_generator
from control_plane.benchmark.installation import Installation, data_plane
from control_plane.benchmark.processes import Running, run_program
from control_plane.benchmark.results import Machine, Target, describe_machine
from control_plane.benchmark.starts import free_port
from control_plane.benchmark.targets import at_most
from control_plane.cli.bench import installed
from tests.benchmarks.tenants_made import (
    MadeTenant,
    Provisioning,
    make_tenants,
    measure_provisioning,
)
from tests.benchmarks.tenants_served import (
    Following,
    Latency,
    Memory,
    OnDisk,
    ask_closed,
    ask_paced,
    measure_disk,
    measure_following,
    measure_memory,
    median_of,
    token_requests,
)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often. Rates are requests a second, well under what a worker serves."""

    form: str
    provisioned: int  # tenants, one at a time
    cold_rate: float
    warm_rate: float
    warm_count: int  # requests of a round
    rounds: int
    seconds: float  # of the throughput
    followed: int  # tenants that are changed twice


FULL = Size(
    form="full",
    provisioned=60,
    cold_rate=150,
    warm_rate=400,
    warm_count=4_000,
    rounds=7,
    seconds=5,
    followed=20,
)
SHORT = Size(
    form="short",
    provisioned=2,
    cold_rate=200,
    warm_rate=200,
    warm_count=50,
    rounds=1,
    seconds=0.3,
    followed=1,
)


class AtSize(msgspec.Struct, frozen=True, kw_only=True):
    """What was found with so many tenants."""

    tenants: int
    provisioning: Provisioning
    start: float  # seconds from the process to its first 200
    cold: Latency  # each tenant's first request
    warm: Latency  # spread over all tenants
    one: Latency  # of the one tenant of the other installation, in turns with `warm`
    ratio: float  # of their p95, the median of the rounds
    throughput: Latency  # spread over all tenants, as fast as it goes
    memory: Memory
    following: Following
    disk: OnDisk


class Found(msgspec.Struct, frozen=True, kw_only=True):
    machine: Machine
    form: str
    sizes: list[AtSize]
    targets: list[Target]
    seconds: float


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The other installation, with its one tenant and its server."""

    running: Running
    tenant: MadeTenant


def measure(counts: list[int], size: Size) -> Found:
    """Measure each number of tenants. errors: Spoiled, NotStarted"""
    cores, began = choose_cores(), time.monotonic()
    machine = describe_machine(cores.server, cores.rest)
    sizes: list[AtSize] = []
    made: list[MadeTenant] = []
    with (
        installed(cores) as large,
        _beside(cores) as beside,
        started_generator(cores.rest) as generator,
    ):
        for count in sorted(counts):
            made += _make(large, max(0, count - len(made)))
            sizes.append(_at(large, made, beside, size, generator, cores))
    return Found(
        machine=machine,
        form=size.form,
        sizes=sizes,
        targets=_targets(sizes[-1]),
        seconds=time.monotonic() - began,
    )


@contextmanager
def _beside(cores: Cores) -> Iterator[Beside]:
    with installed(cores) as small:
        (tenant,) = _make(small, 1)
        with _serving(small, tenant, cores) as running:
            yield Beside(running=running, tenant=tenant)


@contextmanager
def _serving(installation: Installation, tenant: MadeTenant, cores: Cores) -> Iterator[Running]:
    ready = f"{tenant.path}/.well-known/jwks.json"
    with run_program(data_plane(installation, free_port(), 1, ready), cores.server) as running:
        yield running


def _make(installation: Installation, count: int) -> list[MadeTenant]:
    def progress(made: int) -> None:
        _say(f"{made:,} of {count:,} tenants made")

    return asyncio.run(make_tenants(installation.config(1), count, progress))


def _at(
    large: Installation,
    tenants: list[MadeTenant],
    beside: Beside,
    size: Size,
    generator: Generator,
    cores: Cores,
) -> AtSize:
    """Measure with the tenants that are there. Those made to measure provisioning stay idle."""
    config, count = large.config(1), len(tenants)
    _say(f"{count:,} tenants: provisioning")
    _, provisioning = asyncio.run(measure_provisioning(config, size.provisioned))
    with _serving(large, tenants[0], cores) as running:
        requests = token_requests(tenants, running.port)
        _say(f"{count:,} tenants: cold")
        cold = ask_paced(running, requests, size.cold_rate, generator)
        _say(f"{count:,} tenants: warm")
        warm, one = _in_turns(running, requests, beside, size, generator)
        return AtSize(
            tenants=count,
            provisioning=provisioning,
            start=running.seconds_to_ready,
            cold=cold,
            warm=median_of(warm),
            one=median_of(one),
            ratio=median(ours.p95 / theirs.p95 for ours, theirs in zip(warm, one, strict=True)),
            throughput=ask_closed(running, requests, size.seconds, generator),
            memory=asyncio.run(measure_memory(running, large)),
            following=asyncio.run(measure_following(running, config, tenants[: size.followed])),
            disk=asyncio.run(measure_disk(large)),
        )


def _in_turns(
    running: Running, requests: list[bytes], beside: Beside, size: Size, generator: Generator
) -> tuple[list[Latency], list[Latency]]:
    """Ask the many, each round others of them, and the one; after both were warmed."""
    single = token_requests([beside.tenant], beside.running.port)
    warm, one = [], []
    for number in range(-1, size.rounds):
        first = number * size.warm_count
        asked = [requests[(first + each) % len(requests)] for each in range(size.warm_count)]
        of_many = ask_paced(running, asked, size.warm_rate, generator)
        of_one = ask_paced(beside.running, single * size.warm_count, size.warm_rate, generator)
        if number >= 0:
            warm.append(of_many)
            one.append(of_one)
    return warm, one


def _targets(last: AtSize) -> list[Target]:
    many = f"{last.tenants:,} tenants"
    return [
        at_most("P8", last.ratio, 1.2, "x", f"token p95 spread over {many}, to that of one"),
        at_most("P8", last.provisioning.p95, 100, "ms", f"provisioning p95 beside {many}"),
    ]


def table_of(found: Found) -> str:
    """Give one column for each size."""
    lines = [
        ("tenants", [f"{each.tenants:,}" for each in found.sizes]),
        ("provisioning p50 / p95, ms", [_two(each.provisioning) for each in found.sizes]),
        ("  with API and client", [_whole(each.provisioning) for each in found.sizes]),
        ("  with its RSA key made then", [_without(each.provisioning) for each in found.sizes]),
        ("start to first 200, s", [f"{each.start:.2f}" for each in found.sizes]),
        ("token cold p50 / p95 / p99, ms", [_three(each.cold) for each in found.sizes]),
        ("token warm p50 / p95 / p99, ms", [_three(each.warm) for each in found.sizes]),
        ("  of one tenant, in turns", [_three(each.one) for each in found.sizes]),
        ("  p95, x", [f"{each.ratio:.2f}" for each in found.sizes]),
        ("tokens a second", [f"{each.throughput.rate:,.0f}" for each in found.sizes]),
        ("worker RSS / PSS, MB", [_worker(each.memory) for each in found.sizes]),
        ("backends PSS / largest, MB", [_backends(each.memory) for each in found.sizes]),
        ("change followed p50 / max, ms", [_followed(each.following) for each in found.sizes]),
        ("catalogue / database, MB", [_disk(each.disk) for each in found.sizes]),
    ]
    return "\n".join(f"{name:32}" + "".join(f"{each:>32}" for each in row) for name, row in lines)


def _two(found: Provisioning) -> str:
    return f"{found.p50:.0f} / {found.p95:.0f}"


def _whole(found: Provisioning) -> str:
    return f"{found.with_client_p50:.0f} / {found.with_client_p95:.0f}"


def _without(found: Provisioning) -> str:
    return f"{found.without_stock_p50:.0f} / {found.without_stock_p95:.0f}"


def _three(found: Latency) -> str:
    refused = f" ({found.refused} x 503)" if found.refused else ""
    return f"{found.p50:.2f} / {found.p95:.2f} / {found.p99:.2f}{refused}"


def _worker(found: Memory) -> str:
    return f"{found.worker_rss:.0f} / {found.worker_pss:.0f}"


def _backends(found: Memory) -> str:
    return f"{found.backends_pss:.0f} ({found.backends}) / {found.largest_backend_pss:.0f}"


def _followed(found: Following) -> str:
    return f"{found.p50:.0f} / {found.max:.0f}"


def _disk(found: OnDisk) -> str:
    return f"{found.catalogue:.0f} / {found.database:.0f}"


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


@click.command()
@click.option("--tenants", type=click.IntRange(1), multiple=True, default=(1, 1_000, 10_000))
@click.option("--short", is_flag=True, help="1 and 20 tenants: does the harness work?")
def main(tenants: tuple[int, ...], *, short: bool) -> None:
    found = measure([1, 20], SHORT) if short else measure(list(tenants), FULL)
    sys.stdout.write(table_of(found) + "\n")
    if path := os.environ.get("BENCH_TENANTS_JSON"):
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


if __name__ == "__main__":
    main()
