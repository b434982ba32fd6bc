"""The door: what it turns away, and whom it counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from data_plane.handlers.door import MOST_IN_FLIGHT, Door, InFlight
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.runtime.telemetry import Telemetry

_BODY = {"type": "http.request", "body": b"", "more_body": False}


class Waiting:
    """An application that answers 200 once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await receive()
            await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Asked:
    """One request through the door, and what came back."""

    def __init__(self, door: Door, method: str = "POST") -> None:
        self.start: dict[str, Any] = {}
        self.error: Exception | None = None  # what the application is left to answer
        self.body_comes = asyncio.Event()
        self._scope: Any = {"type": "http", "method": method, "raw_path": b"/t/a/oauth/token"}
        self._door = door

    async def run(self) -> None:
        try:
            await self._door(self._scope, self._receive, self._send)
        except TemporarilyUnavailable as error:
            self.error = error

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.start["headers"])

    async def _receive(self) -> Any:
        await self.body_comes.wait()
        return _BODY

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.start = message


@pytest.fixture
def application() -> Waiting:
    return Waiting()


@pytest.fixture
def door(application: Waiting) -> Door:
    return Door(application, Telemetry(), InFlight())


async def ask(door: Door, method: str = "POST") -> Asked:
    asked = Asked(door, method)
    asked.body_comes.set()
    await asked.run()
    return asked


@asynccontextmanager
async def under_way(door: Door, count: int, application: Waiting) -> AsyncIterator[list[Asked]]:
    """Have so many requests under way, whose bodies have not come; at last let them all finish."""
    asked = [Asked(door) for _ in range(count)]
    tasks = [asyncio.create_task(each.run()) for each in asked]
    await turn()
    yield asked
    application.may_answer.set()
    send_bodies(asked)
    await asyncio.gather(*tasks, return_exceptions=True)


async def turn() -> None:
    """Let each task go on until it waits."""
    for _ in range(3):
        await asyncio.sleep(0)


def send_bodies(asked: list[Asked]) -> None:
    for each in asked:
        each.body_comes.set()


async def test_one_more_than_the_worker_can_serve_is_turned_away_and_told_when_to_come(
    door: Door, application: Waiting
) -> None:
    async with under_way(door, MOST_IN_FLIGHT, application) as others:
        send_bodies(others)
        await turn()
        refused = await ask(door)
    assert refused.status == 503
    assert refused.headers[b"retry-after"] == b"1"
    assert refused.headers[b"cache-control"] == b"no-store"


def test_where_each_takes_long_fewer_are_enough() -> None:
    quick, slow = InFlight(), InFlight()
    for _ in range(50):
        quick.took(0.0048, 32)
        slow.took(0.032, 32)
    quick.count = slow.count = 99
    assert [quick.full, slow.full] == [False, False]
    quick.count = slow.count = 102
    assert [quick.full, slow.full] == [False, True]


def test_one_that_took_long_turns_nobody_away() -> None:
    in_flight = InFlight()
    in_flight.took(0.1, 1)
    in_flight.count = 100
    assert not in_flight.full


async def test_those_whose_bodies_come_at_the_same_moment_are_turned_away_too(
    door: Door, application: Waiting
) -> None:
    async with under_way(door, MOST_IN_FLIGHT + 5, application) as others:
        send_bodies(others)
        await turn()
        refused = [each for each in others if isinstance(each.error, TemporarilyUnavailable)]
        assert len(refused) == 5


async def test_it_serves_again_once_they_are_answered(door: Door, application: Waiting) -> None:
    async with under_way(door, MOST_IN_FLIGHT + 5, application) as others:
        send_bodies(others)
        await turn()
    assert (await ask(door)).status == 200


async def test_documents_and_probes_are_answered_always(door: Door, application: Waiting) -> None:
    async with under_way(door, MOST_IN_FLIGHT, application) as others:
        send_bodies(others)
        await turn()
        assert (await ask(door, "GET")).status == 200


async def test_who_sends_slowly_takes_nobodys_place(door: Door, application: Waiting) -> None:
    async with under_way(door, 2 * MOST_IN_FLIGHT, application):
        application.may_answer.set()
        assert (await ask(door)).status == 200
