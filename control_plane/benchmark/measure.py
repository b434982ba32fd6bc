"""Measuring one server under one load, and having the load prove itself."""

import contextlib
from collections.abc import Callable

import msgspec

from control_plane.benchmark.generator import Generator, Job, Load, Mode
from control_plane.benchmark.installation import Ledger
from control_plane.benchmark.processes import Running
from control_plane.benchmark.results import Run, run_of

_OK = 200
_UNAVAILABLE = 503
_TRIES = 4


class Spoiled(Exception):
    """A figure would mean nothing: an answer was wrong or missing, or a token is not recorded."""


class Unavailable(Spoiled):
    """Some answers were 503: its store was too slow just then. Such a run is void, and repeated."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often."""

    form: str
    seconds: float  # of a run
    warm: float  # seconds before it
    runs: int
    tokens: int  # issued to see the memory grow
    introspected: int = 10_000  # different ones: more than a worker remembers, so each is new to it
    starts: int
    connections: int = 64  # as many callers at once: commits are shared by those in flight


FULL = Size(form="full", seconds=3.0, warm=0.9, runs=5, tokens=1_000_000, starts=5)
QUICK = Size(form="quick", seconds=0.4, warm=0.3, runs=2, tokens=5_000, starts=1)
SHORT = Size(
    form="short",
    seconds=0.1,
    warm=0.05,
    runs=1,
    tokens=1_000,
    introspected=200,
    starts=1,
    connections=8,
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A load for a server. `ledger`: where each answer must stand, if it is ours."""

    name: str
    running: Running
    requests: list[bytes]
    status: int = _OK
    mode: Mode = Mode.CLOSED
    rate: float = 1000.0  # of an open loop
    ledger: Ledger | None = None
    accept: Callable[[bytes], None] | None = None  # raises Spoiled for a body that is not right


def warm(case: Case, size: Size, generator: Generator) -> None:
    """Have caches filled and code compiled before anything counts."""
    with contextlib.suppress(Unavailable):
        _load(case, size, generator, seconds=size.warm)


def measure(case: Case, size: Size, generator: Generator) -> Run:
    """Run the load once, or again where it was void. errors: Spoiled"""
    for void in range(_TRIES):
        before = case.running.cpu_seconds()
        try:
            load = _load(case, size, generator, seconds=size.seconds)
        except Unavailable:
            continue
        after = case.running.cpu_seconds()
        spent = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
        return run_of(load, spent, void)
    raise Spoiled(f"{case.name}: {_TRIES} runs, each with answers of 503")


def issue(case: Case, size: Size, generator: Generator, count: int) -> None:
    """Have so many answered, however long it takes. errors: Spoiled"""
    left, tries = count, _TRIES
    while left > 0 and tries:
        try:
            left -= _load(case, size, generator, seconds=60.0, count=left).count
        except Unavailable:
            tries -= 1
    if left > 0:
        raise Spoiled(f"{case.name}: {_TRIES} runs, each with answers of 503")


def _load(
    case: Case, size: Size, generator: Generator, *, seconds: float, count: int | None = None
) -> Load:
    before = case.ledger.rows() if case.ledger else 0
    load = generator.run(
        Job(
            port=case.running.port,
            requests=case.requests,
            mode=case.mode,
            connections=size.connections,
            seconds=seconds,
            count=count,
            rate=case.rate,
        )
    )
    _prove(case, load, before)
    return load


def _prove(case: Case, load: Load, rows_before: int) -> None:
    told = set(load.statuses)
    if _UNAVAILABLE in told and told <= {case.status, _UNAVAILABLE} and not load.broken:
        if case.ledger is not None:
            case.ledger.settle()  # or the next run would count what is recorded late
        raise Unavailable(f"{case.name}: {load.statuses}")
    if not load.count or load.broken or told != {case.status}:
        raise Spoiled(
            f"{case.name}: {load.statuses} and {load.broken} unanswered, where all should be"
            f" {case.status}: {load.kept[0][-300:] if load.kept else b''!r}"
        )
    rows = _recorded(case, load.count, rows_before)
    if rows != load.count:
        raise Spoiled(f"{case.name}: {load.count} answered, but {rows} in the ledger")
    if case.accept is not None:
        case.accept(load.kept[0].partition(b"\r\n\r\n")[2])


def _recorded(case: Case, answered: int, rows_before: int) -> int:
    """Give how many stand in the ledger once all do, or after a while: some wait in the spool."""
    if case.ledger is None:
        return answered
    return case.ledger.rows_once(rows_before + answered) - rows_before
