"""Others' key sets: kept while the other side fails, and not asked for more often than agreed."""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from data_plane.key_sets import FetchedKeySets
from shared.domain.client_jwk import ClientJwk
from shared.domain.jwk import Algorithm, generate_private_key, public_jwk
from shared.domain.outbound_url import FetchRefused, read_networks
from shared.runtime.outbound import Outbound
from tests.outside import Answer, Outside, outside, saying, seen, silent

EC = msgspec.to_builtins(public_jwk(generate_private_key(Algorithm.ES256)))
DOWN = saying(b"{}", status="500 Oops")
_PATIENCE = 5.0  # seconds


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """One server of others, our key sets, and a clock that we turn."""

    def __init__(self, there: Outside) -> None:
        self.there = there
        self.clock = Clock()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        asking = Outbound(read_networks("127.0.0.0/8"), tls=tls, patience=_PATIENCE)
        self.key_sets = FetchedKeySets(asking.fetch_json, self.clock)
        self.uri = f"{there.url}/jwks?secret=s3cr3t"

    def publish(self, answer: Answer) -> None:
        self.there.answers["/jwks?secret=s3cr3t"] = answer

    async def kids(self, kid: str | None = None) -> list[str | None]:
        return kids(await self.key_sets.of_uri(self.uri, kid))

    @property
    def fetches(self) -> int:
        return self.there.paths.count("/jwks?secret=s3cr3t")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with outside() as there:
        world = World(there)
        yield world
        await world.key_sets.close()


def key_set(*names: str) -> Answer:
    return saying(json.dumps({"keys": [EC | {"kid": name} for name in names]}).encode())


def kids(keys: tuple[ClientJwk, ...]) -> list[str | None]:
    return [key.kid for key in keys]


async def test_a_set_is_read_once_and_kept(world: World) -> None:
    world.publish(key_set("a"))
    for kid in ("a", None, "a"):
        assert await world.kids(kid) == ["a"]
        world.clock.now += 60
    assert world.fetches == 1


async def test_a_missing_kid_is_looked_for_every_30_seconds(world: World) -> None:
    world.publish(key_set("a"))
    assert await world.kids("a") == ["a"]
    world.publish(key_set("a", "b"))
    world.clock.now += 29.9
    for _ in range(3):
        assert await world.kids("b") == ["a"]
    assert world.fetches == 1
    world.clock.now += 0.1
    assert await world.kids("b") == ["a", "b"]
    assert world.fetches == 2


async def test_unknown_kids_fetch_once_in_30_seconds(world: World) -> None:
    """Row D6."""
    world.publish(key_set("a"))
    for number in range(1000):
        await world.kids(f"unknown-{number}")
    assert world.fetches == 1


async def test_an_old_set_is_read_anew_behind_the_requests_back(world: World) -> None:
    world.publish(key_set("a"))
    await world.kids()
    world.publish(silent)
    world.clock.now += 300
    assert await world.kids("a") == ["a"]
    await seen(lambda: world.fetches == 2)
    assert await world.kids("a") == ["a"]
    assert world.fetches == 2


async def test_what_was_read_behind_the_requests_back_is_used(world: World) -> None:
    world.publish(key_set("a"))
    await world.kids()
    world.publish(key_set("a", "b"))
    world.clock.now += 300
    assert await world.kids("a") == ["a"]
    assert await world.kids("b") == ["a", "b"]
    assert world.fetches == 2


async def test_a_set_of_an_hour_ago_is_not_used_before_it_is_read_anew(world: World) -> None:
    """A key that its owner has taken away opens nothing, however seldom we look."""
    world.publish(key_set("a"))
    await world.kids()
    world.publish(key_set("b"))
    world.clock.now += 3600
    assert await world.kids("a") == ["b"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(DOWN, id="H5-500"),
        pytest.param(saying(b"<html>", "text/html"), id="H5-HTML"),
        pytest.param(saying(b"x" * 70_000), id="H5-large"),
        pytest.param(saying(b"{"), id="no-JSON"),
        pytest.param(saying(json.dumps({"keys": [EC | {"d": "AA"}]}).encode()), id="private"),
    ],
)
async def test_the_last_good_set_is_kept_while_the_other_side_fails(
    world: World, answer: Answer
) -> None:
    world.publish(key_set("a"))
    await world.kids()
    world.publish(answer)
    for _ in range(3):
        world.clock.now += 3600
        assert await world.kids("a") == ["a"]
    assert world.fetches == 4
    world.publish(key_set("b"))
    assert await world.kids("b") == ["a"]  # tried just now
    world.clock.now += 30
    assert await world.kids("b") == ["b"]


async def test_what_was_never_had_is_empty_and_tried_every_30_seconds(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.publish(DOWN)
    with caplog.at_level(logging.WARNING, "data_plane.key_sets"):
        for _ in range(10):
            assert await world.kids("a") == []
    assert world.fetches == 1
    (line,) = [record.__dict__ for record in caplog.records]
    assert line["fields"] == {
        "url": f"{world.there.url}/jwks",
        "reason": "its status is not 200",
    }
    world.publish(key_set("a"))
    world.clock.now += 30
    assert await world.kids("a") == ["a"]


async def test_many_at_once_share_one_fetch(world: World) -> None:
    world.publish(key_set("a"))
    given = await asyncio.gather(*(world.kids("a") for _ in range(50)))
    assert given == [["a"]] * 50
    assert world.fetches == 1


async def test_one_who_goes_away_does_not_end_the_fetch_of_the_others(world: World) -> None:
    open_the_gate = asyncio.Event()

    async def gated(writer: asyncio.StreamWriter) -> None:
        await open_the_gate.wait()
        await key_set("a")(writer)

    world.publish(gated)
    first, second = (asyncio.create_task(world.kids("a")) for _ in range(2))
    await seen(lambda: world.fetches == 1)
    first.cancel()
    open_the_gate.set()
    assert await second == ["a"]
    assert world.fetches == 1


async def test_a_url_of_the_inside_is_empty() -> None:
    key_sets = FetchedKeySets(Outbound(()).fetch_json, time.monotonic)
    for uri in ("http://127.0.0.1/", "https://10.0.0.1/", "", "\0", "https://[", "x" * 9999):
        assert await key_sets.of_uri(uri, None) == ()
        assert await key_sets.of_issuer(uri, None) == ()


class Crowd:
    """A fetch that goes on until it is let go, and counts."""

    def __init__(self) -> None:
        self.now = self.most = self.all = 0
        self.gate = asyncio.Event()

    async def __call__(self, _: str) -> bytes:
        self.now, self.all = self.now + 1, self.all + 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        raise FetchRefused("there is nothing")


async def test_a_crowd_of_slow_others_is_bounded() -> None:
    crowd = Crowd()
    key_sets = FetchedKeySets(crowd, Clock())
    asked = [asyncio.create_task(key_sets.of_uri(f"https://a/{each}", "k")) for each in range(250)]
    await seen(lambda: sum(each.done() for each in asked) == 50)  # there was no room for these
    assert (crowd.now, crowd.all) == (20, 20)
    crowd.gate.set()
    assert await asyncio.gather(*asked) == [()] * 250
    assert (crowd.most, crowd.all) == (20, 200)


async def test_the_longest_unused_set_is_forgotten() -> None:
    fetched: list[str] = []

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        return b'{"keys":[]}'

    key_sets = FetchedKeySets(fetch, Clock())
    for number in range(1001):
        await key_sets.of_uri("https://often/", None)
        await key_sets.of_uri(f"https://seldom/{number}", None)
    assert fetched.count("https://often/") == 1
    await key_sets.of_uri("https://seldom/1000", None)
    assert fetched.count("https://seldom/1000") == 1
    await key_sets.of_uri("https://seldom/0", None)
    assert fetched.count("https://seldom/0") == 2


async def test_the_end_ends_what_is_being_read() -> None:
    crowd = Crowd()
    key_sets = FetchedKeySets(crowd, Clock())
    asked = asyncio.create_task(key_sets.of_uri("https://a/", None))
    await seen(lambda: crowd.now == 1)
    await key_sets.close()
    assert await asked == ()
