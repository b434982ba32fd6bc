"""What the server does when it is asked for more than it can (faults, row 18).

    python -m tests.benchmarks.overload [--algorithm RS256] [--seconds 4] [--rounds 3]

Its capacity is what a closed loop gets. Then an open loop asks for that, three and five times as
much, in turns. Goodput, the tokens a second, is to stay at 80 % of the capacity; all other answers
are to be 503 with Retry-After; what is served is to be served soon, and memory is not to grow. That
each token is recorded is proved. Everything runs here and ends by itself.
"""

import sys
from argparse import ArgumentParser
from statistics import median

import msgspec

from control_plane.benchmark.cores import choose_cores
from control_plane.benchmark.generator import Generator, Job, Load, Mode
from control_plane.benchmark.measure import QUICK, Case, Spoiled, warm
from control_plane.benchmark.whole import prepared
from control_plane.cli.bench import installed
from shared.domain.jwk import Algorithm

_OVER = (1.0, 3.0, 5.0)  # times the capacity
_CONNECTIONS = 1_024  # more than a worker has requests in flight, fewer than it has connections
_CALLERS = 64  # that the capacity is measured with
_OK, _UNAVAILABLE = 200, 503
_RETRY_AFTER = b"\r\nretry-after: "
_TARGET = 0.8


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One load. Rates are answers a second, times milliseconds, memory MB of the worker."""

    capacity: float  # just before
    sent: float
    goodput: float
    refused: float
    ok_p99: float  # from when it was due
    refused_p99: float
    memory: float


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The medians, by times the capacity."""

    algorithm: str
    rows: dict[str, Asked]
    goodput: dict[str, float]  # of the capacity just before; the median of the rounds
    met: bool


def measure(case: Case, over: float, seconds: float, generator: Generator) -> Asked:
    """Measure the capacity, then ask for so many times as much. errors: Spoiled"""
    closed = Job(
        port=case.running.port,
        requests=case.requests,
        connections=_CALLERS,
        seconds=seconds,
    )
    capacity = _good(case, closed, generator).rate
    many = msgspec.structs.replace(
        closed, mode=Mode.OPEN, connections=_CONNECTIONS, rate=over * capacity, kept=10**6
    )
    load = _good(case, many, generator)
    statuses = load.statuses
    return Asked(
        capacity=capacity,
        sent=load.rate,
        goodput=statuses.get(_OK, 0) / load.seconds,
        refused=statuses.get(_UNAVAILABLE, 0) / load.seconds,
        ok_p99=load.p99_of.get(_OK, 0.0),
        refused_p99=load.p99_of.get(_UNAVAILABLE, 0.0),
        memory=case.running.memory(),
    )


def _good(case: Case, job: Job, generator: Generator) -> Load:
    """Run it; see that it was answered as it may be, and each token recorded."""
    assert case.ledger is not None
    before = case.ledger.rows()
    load = generator.run(job)
    if load.broken or not set(load.statuses) <= {_OK, _UNAVAILABLE}:
        raise Spoiled(f"{load.statuses}, {load.broken} unanswered")
    heads = (each.partition(b"\r\n\r\n")[0].lower() for each in load.kept)
    if any(b" 503 " in each[:13] and _RETRY_AFTER not in each for each in heads):
        raise Spoiled("a refusal without Retry-After")
    issued = load.statuses.get(_OK, 0)
    rows = case.ledger.rows_once(before + issued) - before
    if rows < issued:
        raise Spoiled(f"{issued} issued, {rows} in the ledger")
    if rows > issued:  # a record whose fate was unknown in time: its token has not gone out
        _say(f"{rows - issued} recorded, and refused all the same")
    return load


def run(algorithm: Algorithm, seconds: float, rounds: int) -> Found:
    cores = choose_cores()
    found: dict[float, list[Asked]] = {each: [] for each in _OVER}
    with installed(cores) as installation, prepared(installation, QUICK, cores, _say) as made:
        bench, running = made
        case = bench.tokens(running, algorithm)
        warm(case, QUICK, bench.generator)
        for number in range(rounds * len(_OVER)):
            over = _OVER[number % len(_OVER)]
            found[over].append(measure(case, over, seconds, bench.generator))
            _say(f"{over} x: {msgspec.json.encode(found[over][-1]).decode()}")
    return summary(algorithm, found)


def summary(algorithm: Algorithm, found: dict[float, list[Asked]]) -> Found:
    rows = {
        f"{over:.0f} x": Asked(
            **{
                name: median(getattr(each, name) for each in asked)
                for name in Asked.__struct_fields__
            }
        )
        for over, asked in found.items()
    }
    goodput = {
        f"{over:.0f} x": median(each.goodput / each.capacity for each in asked)
        for over, asked in found.items()
    }
    met = all(each >= _TARGET for each in goodput.values())
    return Found(algorithm=algorithm.value, rows=rows, goodput=goodput, met=met)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def main() -> None:
    parser = ArgumentParser(description="Ask one worker for more than it can.")
    parser.add_argument("--algorithm", type=Algorithm, default=Algorithm.RS256)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found = run(options.algorithm, options.seconds, options.rounds)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")


if __name__ == "__main__":
    main()
