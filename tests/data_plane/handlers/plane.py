"""A data plane in this process, reached with its lane and without."""

import asyncio
import socket
from typing import Any

from data_plane.handlers.door import Door
from shared.runtime.config import Config
from shared.runtime.http1_request import Answering, Request
from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving
from tests.hostile.cases import Answer, Ask, exchange

PATIENCE = 60.0  # seconds
_UNAVAILABLE = 503


def told(answer: Answer) -> Any:
    """Give all of an answer, in its order, but for what is each answer's own."""
    own = {"date", "x-request-id"}
    headers = [(name, [] if name in own else held) for name, held in answer.headers.items()]
    return answer.status, headers, answer.body


class Plane:
    """Servers of one data plane, the one with its lane."""

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
        async with asyncio.timeout(PATIENCE):
            while True:
                offered = len(self.taken)
                answer = await asyncio.to_thread(
                    exchange, self.urls[server], made.octets(), head_only=made.method == b"HEAD"
                )
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


class Heard:
    """A connection in the place of a client's."""

    peer = ("127.0.0.1", 1)
    date = b""

    def __init__(self) -> None:
        self.is_last = False
        self.answered: asyncio.Future[tuple[bytes, bool]] = asyncio.Future()

    def answer(self, message: bytes, *, close: bool = False) -> None:
        self.answered.set_result((message, close))


def take(plane: Plane, made: Ask) -> Heard:
    """Have the lane take it on in this turn of the loop."""
    request, connection = Request(), Heard()
    request.method, request.target, request.body = made.method, made.target, made.body
    request.headers = [(name.lower(), value) for name, value in made.headers]
    assert plane.door.lane is not None
    assert plane.door.lane.take(request, connection)
    return connection
