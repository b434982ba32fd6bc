"""The load generator: HTTP/1.1 requests that are encoded beforehand, and how long each took.

    python -m control_plane.benchmark.generator [core] < jobs

reads Jobs and prints a Load for each, both a line of JSON. As a process of its own, pinned to a
core, it takes no time of the server that it measures. It asks this machine and no other: it is no
weapon.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from ipaddress import ip_address
from itertools import chain
from math import ceil
from typing import IO, cast

import msgspec
import uvloop

from control_plane.benchmark.connection import Connection, Tally
from control_plane.benchmark.cores import begin_process
from control_plane.benchmark.pace import Bound, ClosedLoop, Once, OpenLoop

_PATIENCE = 30.0  # seconds for the last answers, after which they count as broken
_LONGEST = 600.0  # seconds


class Mode(StrEnum):
    CLOSED = "closed"  # each of the connections asks again once it is answered
    OPEN = "open"  # at a rate; latency is counted from when a request should have been sent
    FRESH = "fresh"  # closed, but each request has a connection of its own


class BadJob(ValueError):
    """The job has no end, asks nothing, or asks another machine."""


class GeneratorEnded(Exception):
    """A job could not be run: nobody listens, or the generator was ended. It has said why."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, how, and until when: the number or the seconds, whichever ends first."""

    port: int
    requests: list[bytes]  # asked in turn, again and again
    host: str = "127.0.0.1"
    mode: Mode = Mode.CLOSED
    connections: int = 16
    count: int | None = None
    seconds: float = 60.0
    rate: float = 1000.0  # requests a second, of the mode OPEN
    kept: int = 1  # of the first answers, given whole

    def __post_init__(self) -> None:
        if not self.requests or self.connections < 1 or self.rate <= 0:
            raise BadJob("there is nothing to ask")
        if not 0 < self.seconds <= _LONGEST:
            raise BadJob(f"a job ends within {_LONGEST:.0f} seconds")
        if not ip_address(self.host).is_loopback:
            raise BadJob("only this machine is asked")


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a job. Times are milliseconds, but for the two in seconds."""

    count: int  # answers
    statuses: dict[int, int]
    broken: int  # requests without an answer
    seconds: float  # from the first request to the last answer
    rate: float  # answers a second
    p50: float
    p95: float
    p99: float
    max: float
    p99_of: dict[int, float]  # by status
    cpu_seconds: float  # of the generator, for this job
    kept: list[bytes]  # answers, head and body


class Generator:
    """The generator as a process of its own, which runs one job after another."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """`process`: one whose stdin and stdout are pipes."""
        self._jobs = cast("IO[bytes]", process.stdin)
        self._loads = cast("IO[bytes]", process.stdout)

    def run(self, job: Job) -> Load:
        """Run the job to its end. errors: GeneratorEnded"""
        self.begin(job)
        return self.load()

    def begin(self, job: Job) -> None:
        with contextlib.suppress(BrokenPipeError):  # the answer tells
            self._jobs.write(msgspec.json.encode(job) + b"\n")
            self._jobs.flush()

    def load(self) -> Load:
        """Wait for what came of the job that was begun. errors: GeneratorEnded"""
        if not (load := self._loads.readline()):
            raise GeneratorEnded("the load generator could not do its job")
        return msgspec.json.decode(load, type=Load)


@contextmanager
def started_generator(core: int | None) -> Iterator[Generator]:
    """Start one on that core, once for many jobs: to start takes longer than most of them do."""
    where = [] if core is None else [str(core)]
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "control_plane.benchmark.generator", *where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a terminal's Ctrl-C reaches the harness alone, which ends this
    )
    try:
        yield Generator(process)
    finally:
        process.kill()  # it may be in the middle of a job
        process.communicate()


async def drive(job: Job) -> Load:
    """Run the job in this process's loop. errors: OSError when nobody listens"""
    tally, bound, spent = Tally(job.kept), Bound(job.requests, *_ends(job)), time.process_time()
    match job.mode:
        case Mode.CLOSED:
            await _closed(job, tally, bound)
        case Mode.OPEN:
            await _open(job, tally, bound)
        case Mode.FRESH:
            await asyncio.gather(*(_fresh(job, tally, bound) for _ in range(job.connections)))
    seconds = (tally.last or time.perf_counter()) - bound.began
    return _load(tally, seconds, time.process_time() - spent)


def _ends(job: Job) -> tuple[int | None, float | None]:
    """Give after how many requests and seconds; an open loop sends what is due, if late."""
    if job.mode != Mode.OPEN:
        return job.count, job.seconds
    due = max(1, round(job.rate * job.seconds))
    return due if job.count is None else min(due, job.count), None


async def _closed(job: Job, tally: Tally, bound: Bound) -> None:
    pace = ClosedLoop(bound)
    connections = [await _dial(job, Connection(pace, tally)) for _ in range(job.connections)]
    pace.begin(connections)
    await _await_end(pace.ended, job, connections)


async def _open(job: Job, tally: Tally, bound: Bound) -> None:
    pace = OpenLoop(bound, job.rate)
    connections = [await _dial(job, Connection(pace, tally)) for _ in range(job.connections)]
    pace.begin(connections)
    with pace.ticks():
        await _await_end(pace.ended, job, connections)


async def _fresh(job: Job, tally: Tally, bound: Bound) -> None:
    while (request := bound.take(since := time.perf_counter())) is not None:
        pace = Once()
        connection = await _dial(job, Connection(pace, tally))
        connection.ask(request, since)
        await _await_end(pace.ended, job, [connection])


async def _dial(job: Job, connection: Connection) -> Connection:
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: connection, job.host, job.port)
    return connection


async def _await_end(ended: asyncio.Event, job: Job, connections: list[Connection]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), job.seconds + _PATIENCE)
    for each in connections:
        each.close()
    await asyncio.sleep(0)  # a connection hears of its end in the loop's next round


def _load(tally: Tally, seconds: float, cpu_seconds: float) -> Load:
    by_status = {status: sorted(each) for status, each in tally.latencies.items()}
    ordered = sorted(chain.from_iterable(by_status.values()))
    return Load(
        count=len(ordered),
        statuses={status: len(each) for status, each in by_status.items()},
        broken=tally.broken,
        seconds=seconds,
        rate=len(ordered) / seconds,
        p50=quantile(ordered, 0.50) * 1000,
        p95=quantile(ordered, 0.95) * 1000,
        p99=quantile(ordered, 0.99) * 1000,
        max=quantile(ordered, 1.0) * 1000,
        p99_of={status: quantile(each, 0.99) * 1000 for status, each in by_status.items()},
        cpu_seconds=cpu_seconds,
        kept=tally.kept,
    )


def quantile(ordered: Sequence[float], part: float) -> float:
    """Give the value that this part of them does not exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(part * len(ordered)) - 1)]


def main() -> None:
    begin_process(int(sys.argv[1]) if sys.argv[1:] else None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:  # which ends with its parent
            job = msgspec.json.decode(line, type=Job)
            load = runner.run(asyncio.wait_for(drive(job), job.seconds + 2 * _PATIENCE))
            sys.stdout.buffer.write(msgspec.json.encode(load) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
