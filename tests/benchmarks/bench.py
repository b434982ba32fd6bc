"""`make bench`: ours and what others made, in turns on the same core; a table, a JSON, charts.

    python -m tests.benchmarks.bench

BENCH_JSON=path writes all that was found, BENCH_SVG=directory the charts, BENCH_SHORT=1 takes about
a minute, BENCH_PEERS=name,name measures those alone, BENCH_TENANTS_JSON=path has target P8 from the
run of tests/benchmarks/many_tenants.py.
"""

import os
import sys
import time
from pathlib import Path

import msgspec

from control_plane.benchmark.charts import charts_of
from control_plane.benchmark.cores import choose_cores
from control_plane.benchmark.installation import postgres_version
from control_plane.benchmark.measure import FULL, SHORT, Size
from control_plane.benchmark.ours import Say
from control_plane.benchmark.report import table_of
from control_plane.benchmark.results import Results, Target, describe_machine, describe_versions
from control_plane.benchmark.targets import judge
from control_plane.benchmark.whole import measure_ours, prepared
from control_plane.cli.bench import installed
from tests.benchmarks.by_hand import BY_HAND
from tests.benchmarks.hydra import HYDRA
from tests.benchmarks.keycloak import KEYCLOAK
from tests.benchmarks.node_provider import NODE_PROVIDER
from tests.benchmarks.peers import PeerKind, measure_peer

PEERS = [NODE_PROVIDER, *BY_HAND, HYDRA, KEYCLOAK]


class TenantsRun(msgspec.Struct, frozen=True):
    """What is read of the run of many tenants; the rest of it is left alone."""

    targets: list[Target]


def run_bench(size: Size, kinds: list[PeerKind], tenants: list[Target], say: Say) -> Results:
    """Measure ours and the peers. errors: Spoiled, NotStarted when ours does not serve"""
    cores, began = choose_cores(), time.monotonic()
    machine = describe_machine(cores.server, cores.rest)
    with (
        installed(cores) as installation,
        prepared(installation, size, cores, say) as (bench, running),
    ):
        peers = [measure_peer(each, bench, running) for each in kinds]
        ours, limit = measure_ours(bench, running)
        return Results(
            machine=machine,
            versions=describe_versions(postgres_version(installation)),
            limit=limit,
            ours=ours,
            peers=peers,
            targets=judge(ours, limit, peers, tenants, cores=machine.cores),
            form=size.form,
            seconds=time.monotonic() - began,
        )


def targets_of_tenants(path: str | None) -> list[Target]:
    """Read target P8 from another run, where there was one."""
    if not path:
        return []
    return msgspec.json.decode(Path(path).read_bytes(), type=TenantsRun).targets


def chosen(names: str | None, *, short: bool) -> list[PeerKind]:
    """Give the peers that are named, or all; the short form leaves out what is long to set up."""
    if names:
        return [each for each in PEERS if each.name in names.split(",")]
    return [each for each in PEERS if not (short and each.long_set_up)]


def main() -> None:
    short = bool(os.environ.get("BENCH_SHORT"))
    kinds = chosen(os.environ.get("BENCH_PEERS"), short=short)
    tenants = targets_of_tenants(os.environ.get("BENCH_TENANTS_JSON"))
    results = run_bench(SHORT if short else FULL, kinds, tenants, _say)
    sys.stdout.write(table_of(results) + "\n")
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    if directory := os.environ.get("BENCH_SVG"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        for name, svg in charts_of(results).items():
            (Path(directory) / name).write_text(svg)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    main()
