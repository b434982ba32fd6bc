"""Row B21, by hand: does the time of a refusal tell whether a client exists?

    python -m tests.hostile.timing_b21

5,000 of each kind, interleaved; the medians must be within 5 %, and a Mann-Whitney test must not
tell the kinds apart (p > 0.01). Times belong in no test, so this is not one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import combinations
from math import erfc, sqrt
from secrets import token_hex
from statistics import median

import click
import httpx

from control_plane.clients.actions import disable_client, register_client
from control_plane.clients.rules import NewClient
from data_plane.protocol.client_authentication import PresentedSecret, authenticate
from data_plane.protocol.errors import InvalidClient
from shared.domain.client import Client, HeldSecret
from shared.domain.ids import ClientId
from shared.domain.secret_digest import digest_secret
from shared.runtime.config import read_config
from tests.conftest import new_installation, run_postgres, run_server
from tests.support import Server, basic_header, make_tenant, opened

_ROUNDS = 5_000
_PEPPERS = {"p1": bytes(32)}


def client(secrets: int, *, enabled: bool = True) -> Client:
    digests = (digest_secret(token_hex(20), _PEPPERS["p1"]) for _ in range(secrets))
    return Client(
        client_id=ClientId("c_1"),
        enabled=enabled,
        secrets=tuple(HeldSecret(digest=each, pepper_id="p1") for each in digests),
        apis=(),
        default_api=None,
    )


KINDS: dict[str, Client | None] = {
    "unknown id": None,
    "one secret, wrong": client(1),
    "five secrets, wrong": client(5),
    "disabled": client(1, enabled=False),
}


async def once(held: Client | None) -> float:
    """Time one refusal, in nanoseconds."""
    presented = PresentedSecret(ClientId("c_1"), "as_cs_wrong")
    began = time.perf_counter_ns()
    try:
        authenticate(held, presented, _PEPPERS, now=1)
    except InvalidClient:
        return float(time.perf_counter_ns() - began)
    raise AssertionError("a wrong secret was taken")


def p_value(ours: list[float], theirs: list[float]) -> float:
    """Mann-Whitney's U by its normal approximation, two-sided; ties share their rank."""
    pooled = sorted((value, kind) for kind, each in enumerate((ours, theirs)) for value in each)
    rank_sum, tie_term, start = 0.0, 0.0, 0
    while start < len(pooled):
        end = start
        while end < len(pooled) and pooled[end][0] == pooled[start][0]:
            end += 1
        tied = end - start
        rank_sum += (start + end + 1) / 2 * sum(kind == 0 for _, kind in pooled[start:end])
        tie_term += tied**3 - tied
        start = end
    n, m = len(ours), len(theirs)
    total = n + m
    variance = n * m / 12 * (total + 1 - tie_term / (total * (total - 1)))
    u = rank_sum - n * (n + 1) / 2
    return erfc(abs(u - n * m / 2) / sqrt(variance) / sqrt(2))


async def measure(
    ask: Callable[[str], Awaitable[float]], names: list[str], rounds: int
) -> dict[str, list[float]]:
    """Time each kind `rounds` times, in turn and in an order that moves on."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(await ask(name))
    return times


def report(times: dict[str, list[float]]) -> bool:
    medians = {name: median(each) for name, each in times.items()}
    for name, value in medians.items():
        click.echo(f"{name:<22} median {value:>10.0f} ns")
    spread = max(medians.values()) / min(medians.values()) - 1
    least = min(p_value(times[one], times[other]) for one, other in combinations(times, 2))
    click.echo(f"medians within {spread:.1%}; smallest p {least:.3f}")
    return spread <= 0.05 and least > 0.01


async def in_process() -> bool:
    await measure(lambda name: once(KINDS[name]), list(KINDS), 500)  # warm
    return report(await measure(lambda name: once(KINDS[name]), list(KINDS), _ROUNDS))


async def over_http(server: Server) -> bool:
    """The same over one connection, for a client with one secret; the guess is always the same."""
    config = read_config(server.installation.environment(server.url))
    async with opened(server.installation.control_url) as database:
        tenant = await make_tenant(database, config)
        new = NewClient(name="disabled", apis=(tenant.audience,))
        off = await register_client(database, config.secret_peppers, tenant.tenant_id, new)
        await disable_client(database, tenant.tenant_id, off.client_id)
    ids = {
        "unknown id": "c_0000000000000000",
        "one secret, wrong": tenant.client.client_id,
        "disabled": off.client_id,
    }
    wrong = "as_cs_" + "0" * 49
    headers = {name: basic_header(each, wrong) for name, each in ids.items()}

    async with httpx.AsyncClient(timeout=10) as http:

        async def ask(name: str) -> float:
            form = {"grant_type": "client_credentials"}
            began = time.perf_counter_ns()
            answer = await http.post(tenant.token_endpoint, data=form, headers=headers[name])
            took = float(time.perf_counter_ns() - began)
            assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
            return took

        await measure(ask, list(ids), 300)  # warm
        return report(await measure(ask, list(ids), _ROUNDS))


def main() -> None:
    click.echo("in process")
    evenly = asyncio.run(in_process())
    click.echo("over HTTP")
    with (
        run_postgres() as postgres,
        run_server(new_installation(postgres.url), workers=1) as server,
    ):
        evenly = asyncio.run(over_http(server)) and evenly
    raise SystemExit(0 if evenly else 1)


if __name__ == "__main__":
    main()
