"""What a tenant at ten times its limit does to its neighbours (hostile inputs, F8).

    python -m tests.benchmarks.noisy_neighbour [--seconds 5] [--rounds 5] [--redis]

Five tenants without limits are asked for tokens at a steady rate, alone, beside a tenant that
keeps to its limit, and beside one that sends ten times as much; in turns, so that what else the
machine does falls on all three. Prints the medians, and the ratio that is to be 1.5 at most.
Everything runs here and ends by itself. Two cores: the server on one, the rest on the other.
"""

import asyncio
import os
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil

from control_plane.accounts.actions import create_account, set_limits
from control_plane.accounts.rules import LimitsChange
from control_plane.benchmark.generator import Generator, Job, Mode, started_generator
from shared.domain.limits import Rate
from shared.domain.management import OPERATOR
from shared.runtime.config import read_config
from tests.conftest import new_installation, run_postgres, run_server
from tests.support import MadeTenant, Server, basic_header, make_tenant, opened
from tests.valkey import run_valkey

_NEIGHBOURS = 5
_NEIGHBOURS_RATE = 100.0  # token requests a second, of all of them
_LIMIT = Rate(100, 200)
_CONNECTIONS = 16
_BODY = b"grant_type=client_credentials"
_OK = 200
_TARGET = 1.5


class Measured(msgspec.Struct, frozen=True):
    """The neighbours' latencies in milliseconds, and how the noisy tenant was answered."""

    p50: float
    p99: float
    noisy: dict[int, int]


def request_of(tenant: MadeTenant) -> bytes:
    """Encode a token request as it goes over the wire."""
    url = urlsplit(tenant.token_endpoint)
    authorization = basic_header(*tenant.basic)["Authorization"]
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    )
    return head.encode() + _BODY


class Generators(msgspec.Struct, frozen=True):
    """One for the neighbours, and one for the noise beside it."""

    neighbours: Generator
    noisy: Generator


def job_of(server: Server, tenants: list[MadeTenant], rate: float, seconds: float) -> Job:
    return Job(
        port=urlsplit(server.url).port or 0,
        requests=[request_of(each) for each in tenants],
        mode=Mode.OPEN,
        rate=rate,
        seconds=seconds,
        connections=_CONNECTIONS,
    )


def measure(
    server: Server,
    generators: Generators,
    neighbours: list[MadeTenant],
    noisy: MadeTenant,
    noise: float,
    seconds: float,
) -> Measured:
    """Ask the neighbours while the noisy tenant sends so many requests a second; 0: none."""
    if noise:
        generators.noisy.begin(job_of(server, [noisy], noise, seconds + 1))
    found = generators.neighbours.run(job_of(server, neighbours, _NEIGHBOURS_RATE, seconds))
    assert set(found.statuses) == {_OK}, found.statuses
    answered = generators.noisy.load().statuses if noise else {}
    return Measured(found.p50, found.p99, answered)


async def make_tenants(server: Server) -> tuple[list[MadeTenant], MadeTenant]:
    config = read_config(server.installation.environment(server.url))
    async with opened(server.installation.control_url) as database:
        account = await create_account(database, "Noisy")
        await set_limits(database, account, LimitsChange(rate=_LIMIT))
        noisy = await make_tenant(database, config, account=account)
        neighbours = [
            await make_tenant(database, config, account=OPERATOR) for _ in range(_NEIGHBOURS)
        ]
    return neighbours, noisy


def pin(server: Server) -> None:
    """Give the server a core of its own, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        root = psutil.Process(server.pid)
        for each in (root, *root.children(recursive=True)):
            each.cpu_affinity([cores[0]])


def run(seconds: float, rounds: int, *, with_redis: bool) -> dict[str, Any]:
    noises = {"alone": 0.0, "at its limit": _LIMIT.per_second, "at 10 x": 10.0 * _LIMIT.per_second}
    found: dict[str, list[Measured]] = {name: [] for name in noises}
    with ExitStack() as stack:
        installation = new_installation(stack.enter_context(run_postgres()).url)
        redis = stack.enter_context(run_valkey()).url if with_redis else ""
        server = stack.enter_context(run_server(installation, workers=1, REDIS_URL=redis))
        pin(server)
        generators = Generators(
            *(stack.enter_context(started_generator(None)) for _ in ("neighbours", "noisy"))
        )
        neighbours, noisy = asyncio.run(make_tenants(server))
        asked = server, generators, neighbours, noisy
        measure(*asked, 0.0, 1.0)  # what is read once is read now
        for _ in range(rounds):
            for name, noise in noises.items():
                found[name].append(measure(*asked, noise, seconds))
    return summary(found)


def summary(found: dict[str, list[Measured]]) -> dict[str, Any]:
    """Give the medians, and the median of the rounds' ratios."""
    ratios = [
        loud.p99 / alone.p99 for alone, loud in zip(found["alone"], found["at 10 x"], strict=True)
    ]
    rows = {
        name: {
            "p50_ms": median(each.p50 for each in measured),
            "p99_ms": median(each.p99 for each in measured),
            "noisy": measured[-1].noisy,
        }
        for name, measured in found.items()
    }
    ratio = median(ratios)
    return {"rows": rows, "p99_ratio": ratio, "target": _TARGET, "met": ratio <= _TARGET}


def main() -> None:
    parser = ArgumentParser(description="Measure the neighbours of a noisy tenant.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--redis", action="store_true")
    options = parser.parse_args()
    found = run(options.seconds, options.rounds, with_redis=options.redis)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")


if __name__ == "__main__":
    main()
