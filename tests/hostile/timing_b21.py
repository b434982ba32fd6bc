"""Row B21: whether time tells an unknown client from a wrong secret or a disabled client.

Run by hand, on a machine that is otherwise quiet:

python -m tests.hostile.timing_b21 --rounds 5000

Measured thrice: the pure comparison, the application without a network, and a server over HTTP.
Medians are held to the row in all three, the p only over HTTP, where a caller stands: in one
process the test sees 20 ns of 3 us, which is one look-up in a dict.
"""

import argparse
import asyncio
import gc
import itertools
import math
import secrets
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from itertools import groupby
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar import Litestar

from control_plane.clients.actions import disable_client, register_client
from control_plane.clients.rules import NewClient
from data_plane.app import create_app
from data_plane.protocol.client_authentication import PresentedSecret, authenticate
from data_plane.protocol.errors import InvalidClient
from shared.domain.client import Client, HeldSecret
from shared.domain.ids import ClientId
from shared.runtime.config import read_config
from tests.conftest import new_installation, run_postgres, run_server
from tests.support import Installation, MadeTenant, basic_header, make_tenant, opened

Times: TypeAlias = dict[str, list[float]]  # case -> microseconds of each request
Try: TypeAlias = Callable[[str], Awaitable[None]]

_WRONG = "as_cs_" + "x" * 49  # always the same: more than ten different ones would be counted
_WARM_UP = 200  # rounds
_MEDIANS = 0.05  # may be so far apart
_P = 0.01  # of two cases being alike, at least
_FORM = b"grant_type=client_credentials"


async def measured(attempt: Try, cases: list[str], rounds: int) -> Times:
    """Try every case once in each round, in an order that is drawn anew."""
    times: Times = {case: [] for case in cases}
    order, draw = list(cases), secrets.SystemRandom()
    gc.collect()
    gc.disable()
    for number in range(-_WARM_UP, rounds):
        draw.shuffle(order)
        for case in order:
            start = time.perf_counter_ns()
            await attempt(case)
            taken = (time.perf_counter_ns() - start) / 1000
            if number >= 0:
                times[case].append(taken)
    gc.enable()
    return times


def likeness(one: list[float], other: list[float]) -> float:
    """Give the p of the Mann-Whitney U test, two-sided, by the normal approximation with ties."""
    ordered = sorted([(each, True) for each in one] + [(each, False) for each in other])
    rank_sum, ties, passed = 0.0, 0, 0
    for _, group in groupby(ordered, key=lambda each: each[0]):
        members = [of_one for _, of_one in group]
        rank_sum += sum(members) * (passed + (len(members) + 1) / 2)
        ties += len(members) ** 3 - len(members)
        passed += len(members)
    first, second = len(one), len(other)
    u = rank_sum - first * (first + 1) / 2
    variance = first * second / 12 * (passed + 1 - ties / (passed * (passed - 1)))
    return math.erfc(abs(u - first * second / 2) / math.sqrt(2 * variance))


def judged(title: str, times: Times, least_p: float = 0) -> bool:
    """Print the figures, and tell whether the cases are alike."""
    _say(f"{title}, {len(next(iter(times.values()))):,} of each")
    medians = {case: statistics.median(each) for case, each in times.items()}
    for case, median in medians.items():
        _say(f"  {case:<16} median {median:10.2f} us")
    apart = max(medians.values()) / min(medians.values()) - 1
    ps = {
        pair: likeness(*(times[each] for each in pair)) for pair in itertools.combinations(times, 2)
    }
    for pair, p in ps.items():
        _say(f"  {' / '.join(pair):<32} p {p:.3f}")
    alike = apart <= _MEDIANS and min(ps.values()) >= least_p
    verdict = "ok" if alike else "NOT OK"
    _say(f"  medians {apart:.1%} apart, least p {min(ps.values()):.3f}: {verdict}")
    return alike


def pure_attempt() -> tuple[Try, list[str]]:
    now, peppers = int(time.time()), {"p": secrets.token_bytes(32)}

    def client(live: int, *, enabled: bool = True) -> Client:
        held = tuple(HeldSecret(digest=secrets.token_bytes(32), pepper_id="p") for _ in range(live))
        return Client(
            client_id=ClientId("c"), enabled=enabled, secrets=held, apis=(), default_api=None
        )

    known = {
        "unknown": None,
        "wrong": client(1),
        "wrong of five": client(5),
        "disabled": client(1, enabled=False),
    }
    presented = PresentedSecret(ClientId("c"), _WRONG)

    async def attempt(case: str) -> None:
        with suppress(InvalidClient):
            authenticate(known[case], presented, peppers, now=now)

    return attempt, list(known)


def application_attempt(app: Litestar, url: str, ids: Mapping[str, str]) -> Try:
    parts = urlsplit(url)
    scopes = {case: _scope(parts.path, parts.netloc, of_case) for case, of_case in ids.items()}

    async def attempt(case: str) -> None:
        scope: Any = scopes[case] | {"state": {}}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": _FORM, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        _check(sent[0]["status"])

    return attempt


def _scope(path: str, host: str, client_id: str) -> dict[str, Any]:
    headers = {
        "host": host,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(_FORM)),
        "authorization": basic_header(client_id, _WRONG)["Authorization"],
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }


def http_attempt(connection: socket.socket, url: str, ids: Mapping[str, str]) -> Try:
    """Try over one connection, which answers whole: an answer is smaller than a packet."""
    parts = urlsplit(url)
    requests = {
        case: (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: {basic_header(of_case, _WRONG)['Authorization']}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(_FORM)}\r\n\r\n"
        ).encode()
        + _FORM
        for case, of_case in ids.items()
    }

    async def attempt(case: str) -> None:
        connection.sendall(requests[case])
        answer = connection.recv(65536)
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        _check(int(answer.split(b" ", 2)[1]))

    return attempt


def _check(status: int) -> None:
    if status != 401:
        raise AssertionError(f"the answer was {status}")


async def three_ids(installation: Installation, url: str) -> tuple[MadeTenant, dict[str, str]]:
    """Make a tenant, and name an id for each case; all three are as long."""
    config = read_config(installation.environment(url))
    async with opened(installation.control_url) as database:
        tenant = await make_tenant(database, config)
        new = NewClient(name="disabled", apis=(tenant.audience,))
        peppers, tenant_id = config.secret_peppers, tenant.tenant_id
        disabled = await register_client(database, peppers, tenant_id, new)
        await disable_client(database, tenant_id, disabled.client_id)
    wrong = tenant.client.client_id
    return tenant, {
        "unknown": "c_" + secrets.token_hex(len(wrong))[2 : len(wrong)],
        "wrong": wrong,
        "disabled": disabled.client_id,
    }


async def application(installation: Installation, rounds: int) -> Times:
    url = "http://127.0.0.1:1"
    tenant, ids = await three_ids(installation, url)
    environment = installation.environment(url) | {"DATABASE_URL": installation.data_url}
    app = create_app(read_config(environment))
    async with app.lifespan():
        attempt = application_attempt(app, tenant.token_endpoint, ids)
        return await measured(attempt, list(ids), rounds)


def over_http(installation: Installation, rounds: int) -> Times:
    with run_server(installation, workers=1) as server:
        tenant, ids = asyncio.run(three_ids(installation, server.url))
        parts = urlsplit(server.url)
        with closing(socket.create_connection((parts.hostname, parts.port))) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            attempt = http_attempt(connection, tenant.token_endpoint, ids)
            return asyncio.run(measured(attempt, list(ids), rounds))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what it is for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5_000)
    rounds = parser.parse_args().rounds
    alike = [judged("authenticate", asyncio.run(measured(*pure_attempt(), rounds)))]
    with run_postgres() as postgres:
        installation = new_installation(postgres.url)
        alike.append(judged("application", asyncio.run(application(installation, rounds))))
        alike.append(judged("HTTP", over_http(installation, rounds), _P))
    sys.exit(not all(alike))


if __name__ == "__main__":
    main()
