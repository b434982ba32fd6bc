"""The whole of ours: the machine's limit, then every measurement of the data plane."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from control_plane.benchmark.cores import Cores
from control_plane.benchmark.generator import started_generator
from control_plane.benchmark.installation import Installation, data_plane, make_bench_tenant
from control_plane.benchmark.measure import Case, Size
from control_plane.benchmark.ours import (
    Bench,
    Say,
    measure_memory,
    measure_others,
    measure_second_worker,
    measure_tokens,
)
from control_plane.benchmark.processes import Program, Running, run_program
from control_plane.benchmark.requests import get
from control_plane.benchmark.results import Limit, Ours, Starts, Workers
from control_plane.benchmark.starts import free_port, start_data_plane, start_dev

_LIVE = "/livez"


@contextmanager
def prepared(
    installation: Installation, size: Size, cores: Cores, say: Say
) -> Iterator[tuple[Bench, Running]]:
    """Make the tenant, and run one worker on a core of its own until the block is left."""
    say("starting the data plane")
    port = free_port()
    tenant = make_bench_tenant(installation, port)
    with (
        started_generator(cores.rest) as generator,
        run_program(data_plane(installation, port, 1, _LIVE), cores.server) as running,
    ):
        bench = Bench(
            installation=installation,
            tenant=tenant,
            size=size,
            cores=cores,
            generator=generator,
            say=say,
        )
        yield bench, running


def measure_ours(bench: Bench, running: Running) -> tuple[Ours, Limit]:
    """Measure everything. errors: Spoiled, NotStarted"""
    tokens, of_bare, bare = measure_tokens(bench, running)
    ours = Ours(
        tokens=tokens,
        of_bare=of_bare,
        others=measure_others(bench, running),
        workers=_second_worker(bench, running),
        memory=measure_memory(bench, running),
        starts=_starts(bench),
    )
    return ours, Limit(signatures=bare, http=_http(bench))


def _second_worker(bench: Bench, one: Running) -> Workers:
    bench.say("second worker")
    port = free_port()
    with run_program(data_plane(bench.installation, port, 2, _LIVE), None) as two:
        return measure_second_worker(bench, one, two)


def _starts(bench: Bench) -> Starts:
    bench.say("starts")
    path = f"{bench.tenant.path}/.well-known/jwks.json"
    inherited = bench.installation.inherited
    with TemporaryDirectory(prefix="auth-service-bench-") as directory:
        data_dir = Path(directory) / "dev"
        return Starts(
            data_plane=start_data_plane(bench.installation, path, bench.size.starts),
            dev_first=start_dev(inherited, data_dir),
            dev_later=start_dev(inherited, data_dir),
        )


def _http(bench: Bench) -> float:
    """What HTTP alone costs: a tiny application under the same server."""
    port = free_port()
    program = Program(
        name="A tiny application",
        arguments=(*(sys.executable, "-m", "control_plane.benchmark.tiny", str(port)),),
        environment=dict(bench.installation.inherited),
        port=port,
        ready_path="/",
    )
    with run_program(program, bench.cores.server) as running:
        return bench.repeat(
            Case(name="HTTP alone", running=running, requests=[get(port, "/")])
        ).rate
