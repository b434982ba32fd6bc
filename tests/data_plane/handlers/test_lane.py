"""The lane answers as the application does, takes what it should, and leaves it all the rest."""

import asyncio
import gc
import json
import socket
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from control_plane.cli.lifespan import Lifespan
from control_plane.clients.actions import change_client, disable_client
from control_plane.clients.rules import ClientChange
from data_plane.app import create_app
from data_plane.handlers.door import MOST_IN_FLIGHT, Door
from data_plane.protocol.errors import OAuthError
from shared.domain.limits import Rate
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.http1_request import Answering, Request
from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving
from shared.runtime.telemetry import Telemetry
from tests.hostile.cases import Answer, Ask, ask, exchange
from tests.support import Installation, MadeTenant, make_tenant

_SECONDS = 60.0
_UNAVAILABLE = 503
_ONE_AT_A_TIME = Rate(per_second=1, burst=1)


class Plane:
    """A data plane in this process, reached with its lane and without."""

    def __init__(self, door: Door, leaving: Leaving, config: Config) -> None:
        self.door = door
        self.leaving = leaving
        self.config = config
        self.taken: list[bool] = []  # of each request that was offered to the lane
        self.known: list[bytes] = []  # what came as it had before
        self.servers: list[Http1Server] = []
        self.urls: list[str] = []

    async def listen(self) -> None:
        lane = self.door.lane
        assert lane is not None
        for watched in (_Watched(lane, self.taken, self.known), None):
            server = Http1Server(self.door, self.leaving)
            server.lane = watched
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            self.urls.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
            listener.listen()
            await server.accept(listener)
            self.servers.append(server)

    async def by_lane(self, made: Ask) -> Answer:
        return await self._ask(0, made)

    async def by_application(self, made: Ask) -> Answer:
        return await self._ask(1, made)

    async def _ask(self, server: int, made: Ask) -> Answer:
        """Ask again where a busy machine had the store too slow to answer."""
        async with asyncio.timeout(_SECONDS):
            while True:
                offered = len(self.taken)
                answer = await asyncio.to_thread(exchange, self.urls[server], made.octets())
                if answer.status != _UNAVAILABLE or self.door.in_flight.full:
                    return answer
                del self.taken[offered:]


class _Watched:
    def __init__(self, lane: Any, taken: list[bool], known: list[bytes]) -> None:
        self._lane = lane
        self._taken = taken
        self._known = known
        self.wants = lane.wants

    def again(self, octets: bytes, connection: Answering) -> bool:
        took = bool(self._lane.again(octets, connection))
        if took:
            self._taken.append(took)
            self._known.append(octets)
        return took

    def take(self, request: Request, connection: Answering) -> bool:
        took = bool(self._lane.take(request, connection))
        self._taken.append(took)
        return took


@pytest.fixture
async def plane(installation: Installation, config: Config, tmp_path: Path) -> AsyncIterator[Plane]:
    variables = installation.environment(config.public_url)
    variables |= {"DATABASE_URL": installation.data_url, "SPOOL_DIR": str(tmp_path)}
    leaving = Leaving()
    door = create_app(read_config(variables), leaving, Telemetry())
    lifespan = Lifespan(door)
    assert await lifespan.begins()
    plane = Plane(door, leaving, config)
    await plane.listen()
    yield plane
    async with asyncio.timeout(_SECONDS):
        await asyncio.gather(*(server.finish() for server in plane.servers))
        await lifespan.end()


def likeness(answer: Answer) -> Any:
    """Give of an answer all that two tokens of one decision have in common."""
    names = sorted(set(answer.headers) - {"date"})
    body = json.loads(answer.body)
    if "access_token" not in body:
        return answer.status, names, body
    header, payload, _ = body.pop("access_token").split(".")
    claims = json.loads(urlsafe_b64decode(payload + "=="))
    lifetime = claims["exp"] - claims["iat"]
    for each in ("jti", "iat", "exp"):
        assert claims.pop(each)
    return answer.status, names, body, header, claims, lifetime


@pytest.mark.parametrize("way", ["basic", "post"])
@pytest.mark.parametrize("rate", [None, Rate(per_second=100, burst=100)], ids=["free", "limited"])
async def test_from_the_second_time_on_it_answers_as_the_application(
    plane: Plane, database: Database, tenant: MadeTenant, way: str, rate: Rate | None
) -> None:
    if rate is not None:
        change = ClientChange(rate=rate)
        await change_client(database, tenant.tenant_id, tenant.client.client_id, change)
    made = ask(tenant, "token", way)
    answers = [await plane.by_lane(made) for _ in range(3)]
    assert plane.taken == [False, True, True]
    expected = likeness(await plane.by_application(made))
    assert expected[0] == 200
    assert [likeness(each) for each in answers] == [expected] * 3


async def test_over_a_limit_it_refuses_as_the_application(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    change = ClientChange(rate=_ONE_AT_A_TIME)
    await change_client(database, tenant.tenant_id, tenant.client.client_id, change)
    made = ask(tenant, "token")
    answers = [await plane.by_lane(made) for _ in range(6)]
    refused = answers[-1]
    assert (refused.status, plane.taken[-1]) == (429, True)
    assert likeness(refused) == likeness(await plane.by_application(made))


UNUSUAL: dict[str, Callable[[Ask], None]] = {
    "another-scope": lambda made: made.form("scope=read"),
    "dpop": lambda made: made.add(b"DPoP", b"x"),
    "compressed": lambda made: made.add(b"Content-Encoding", b"gzip"),
    "foreign-host": lambda made: made.put(b"Host", b"evil.example"),
    "in-the-query": lambda made: setattr(made, "target", made.target + b"?a=b"),
    "another-type": lambda made: made.put(b"Content-Type", b"application/json"),
    "two-authorizations": lambda made: made.add(b"Authorization", b"Basic eA=="),
    "another-secret": lambda made: made.put(b"Authorization", b"Basic eDp5"),
    "many-headers": lambda made: made.headers.extend([(b"X-%d" % n, b"y") for n in range(60)]),
    "large-headers": lambda made: made.add(b"X", b"y" * 9_000),
    "too-large-headers": lambda made: made.add(b"X", b"y" * 17_000),
    "large-body": lambda made: made.form("x=" + "y" * 9_000),
    "too-large-body": lambda made: made.form("x=" + "y" * 17_000),
    "no-such-issuer": lambda made: setattr(made, "target", b"/t/nobody-has-this/oauth/token"),
    "no-issuer": lambda made: setattr(made, "target", b"/t//oauth/token"),
    "closing": lambda made: made.add(b"Connection", b"close"),
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL.keys())
async def test_what_is_any_different_is_left_to_the_application(
    plane: Plane, tenant: MadeTenant, change: Callable[[Ask], None]
) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    plane.taken.clear()
    made = ask(tenant, "token")
    change(made)
    answer = await plane.by_lane(made)
    assert True not in plane.taken
    assert likeness(answer) == likeness(await plane.by_application(made))


async def test_the_same_octets_are_not_read_once_more(plane: Plane, tenant: MadeTenant) -> None:
    made = ask(tenant, "token")
    made.add(b"X-Forwarded-For", b"203.0.113.7")
    answers = [await plane.by_lane(made) for _ in range(4)]
    assert plane.taken == [False, True, True, True]
    assert plane.known == [made.octets()] * 2
    assert [likeness(each) for each in answers] == [likeness(answers[0])] * 4
    tokens = {json.loads(each.body)["access_token"] for each in answers}
    assert len(tokens) == 4


async def test_what_is_refused_is_not_kept(plane: Plane, tenant: MadeTenant) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    wrong = ask(tenant, "token")
    wrong.put(b"Authorization", b"Basic eDp5")
    for _ in range(3):
        assert (await plane.by_lane(wrong)).status == 401
    assert plane.known == []


async def test_what_was_changed_is_decided_anew(
    plane: Plane, database: Database, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    await disable_client(database, tenant.tenant_id, tenant.client.client_id)
    async with asyncio.timeout(_SECONDS):
        while (await plane.by_lane(made)).status == 200:
            await asyncio.sleep(0.01)
    assert (await plane.by_lane(made)).status == 401


async def test_each_issuer_has_its_own(
    plane: Plane, database: Database, config: Config, tenant: MadeTenant
) -> None:
    other = await make_tenant(database, config)
    for each in (tenant, other):
        for _ in range(2):
            assert (await plane.by_lane(ask(each, "token"))).status == 200
    plane.taken.clear()
    made = ask(tenant, "token")
    made.target = ask(other, "token").target  # with the credentials of the first
    assert (await plane.by_lane(made)).status == 401
    assert plane.taken == [False]


async def test_a_worker_that_goes_tells_its_clients(plane: Plane, tenant: MadeTenant) -> None:
    for _ in range(2):
        assert (await plane.by_lane(ask(tenant, "token"))).status == 200
    plane.leaving.begun = True
    answer = await plane.by_lane(ask(tenant, "token"))
    assert (answer.status, answer.header("connection")) == (200, "close")


class Heard:
    """A connection in the place of a client's."""

    peer = ("127.0.0.1", 1)
    date = b""

    def __init__(self) -> None:
        self.is_last = False
        self.answered: asyncio.Future[tuple[bytes, bool]] = asyncio.Future()

    def answer(self, message: bytes, *, close: bool = False) -> None:
        self.answered.set_result((message, close))


async def test_whom_a_worker_serves_while_it_begins_to_go_is_told(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    request, connection = Request(), Heard()
    request.method, request.target, request.body = made.method, made.target, made.body
    request.headers = [(name.lower(), value) for name, value in made.headers]
    assert plane.door.lane is not None
    assert plane.door.lane.take(request, connection)
    connection.is_last = True  # while the record is being kept
    async with asyncio.timeout(_SECONDS):
        message, close = await connection.answered
    assert b"\r\nconnection: close\r\n" in message
    assert close


async def test_one_more_than_the_worker_can_serve_is_turned_away(
    plane: Plane, tenant: MadeTenant
) -> None:
    made = ask(tenant, "token")
    for _ in range(2):
        assert (await plane.by_lane(made)).status == 200
    plane.door.in_flight.count = MOST_IN_FLIGHT
    refused = await plane.by_lane(made)
    assert likeness(refused) == likeness(await plane.by_application(made))
    assert (refused.status, refused.header("retry-after")) == (503, "1")
    plane.door.in_flight.count = 0
    assert (await plane.by_lane(made)).status == 200


REFUSED: dict[str, tuple[int, Callable[[Ask], None]]] = {
    "over-a-limit": (429, lambda _: None),
    "wrong-secret": (401, lambda made: made.put(b"Authorization", b"Basic eDp5")),
    "wrong-scope": (400, lambda made: made.form("grant_type=client_credentials&scope=nope")),
    "malformed": (400, lambda made: made.form("%zz")),
}


@pytest.mark.parametrize(("status", "change"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_leaves_nothing_to_the_garbage_collector(
    plane: Plane,
    database: Database,
    tenant: MadeTenant,
    status: int,
    change: Callable[[Ask], None],
) -> None:
    """A tenant over its limit would hold up its neighbours each time the collector runs."""
    limit = ClientChange(rate=_ONE_AT_A_TIME) if status == 429 else ClientChange()
    await change_client(database, tenant.tenant_id, tenant.client.client_id, limit)
    made = ask(tenant, "token")
    assert (await plane.by_lane(made)).status == 200
    change(made)
    assert [(await plane.by_lane(made)).status for _ in range(3)][-1] == status
    with collected_objects() as collected:
        for _ in range(10):
            assert (await plane.by_lane(made)).status == status
    assert [each for each in collected if isinstance(each, OAuthError)] == []


@contextmanager
def collected_objects() -> Iterator[list[Any]]:
    """Give what the block leaves to the garbage collector, once it is left."""
    collected: list[Any] = []
    gc.collect()
    gc.disable()
    try:
        yield collected
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        collected.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
