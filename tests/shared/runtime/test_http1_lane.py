"""What a connection offers to the lane, and what the lane knows again."""

import asyncio

import pytest

from shared.runtime.http1_answer import message
from shared.runtime.http1_bounds import HEAD_PATIENCE
from shared.runtime.http1_request import Answering, Request
from tests.shared.runtime.http1_peers import GET, Served, post, until, until_read

MUCH, MANY = 100_000, 400  # bytes of an answer; together more than the sockets hold


class QuickLane:
    """Takes what says so; waits for the bodies of /form. Knows again what came alone."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.known: list[bytes] = []

    def wants(self, request: Request) -> bool:
        return request.target == b"/form"

    def take(self, request: Request, connection: Answering) -> bool:
        if request.body != b"quick":
            return False
        answer = message(200, (), b"by the lane", connection.date)
        asyncio.get_running_loop().call_soon(connection.answer, answer)
        if request.octets:
            self.seen.add(request.octets)
        return True

    def again(self, octets: bytes, connection: Answering) -> bool:
        if octets not in self.seen:
            return False
        self.known.append(octets)
        connection.answer(message(200, (), b"again", connection.date), close=connection.is_last)
        return True


async def test_a_whole_post_is_offered_to_the_lane_first(served: Served) -> None:
    served.server.lane = QuickLane()
    async with served.client() as client:
        client.send(post(b"quick") + post(b"slow") + post(b"quick") + GET)
        bodies = [(await client.answer())[2] for _ in range(4)]
    assert bodies == [b"by the lane", b"POST /form slow", b"by the lane", b"GET /hello "]
    assert [scope["method"] for scope in served.application.scopes] == ["POST", "GET"]


async def test_what_came_alone_is_known_again_and_nothing_else(served: Served) -> None:
    served.server.lane = lane = QuickLane()
    quick = post(b"quick")
    async with served.client() as client:

        async def answered(octets: bytes, answers: int = 1) -> list[bytes]:
            client.send(octets)
            return [(await client.answer())[2] for _ in range(answers)]

        assert await answered(quick) == [b"by the lane"]
        assert await answered(quick) == [b"again"]
        assert await answered(post(b"quick ")) == [b"POST /form quick "]
        assert await answered(quick + GET, 2) == [b"by the lane", b"GET /hello "]
        assert await answered(quick + quick, 2) == [b"by the lane", b"by the lane"]
        client.send(quick[:20])
        await until_read(served)
        assert await answered(quick[20:]) == [b"by the lane"]
        assert await answered(quick) == [b"again"]
    async with served.client() as client:
        client.send(quick)
        assert (await client.answer())[2] == b"again"
    assert lane.seen == {quick}
    assert lane.known == [quick] * 3


async def test_what_is_known_again_while_the_worker_goes_hears_that_it_was_the_last(
    served: Served,
) -> None:
    served.server.lane = QuickLane()
    async with served.client() as client:
        for words in (b"by the lane", b"again"):
            client.send(post(b"quick"))
            assert (await client.answer())[2] == words
        served.server.leaving.begun = True
        client.send(post(b"quick"))
        assert (await client.answer())[2] == b"again"
        assert await client.rest() == b""


class FilledLane(QuickLane):
    """Answers all with much, and sees how much of it waits for the client."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.served = served
        self.waits: list[int] = []

    def take(self, request: Request, connection: Answering) -> bool:
        return request.method == b"GET" and self.again(b"", connection)

    def again(self, octets: bytes, connection: Answering) -> bool:
        if octets not in {b"", GET}:
            return False
        connection.answer(message(200, (), b"x" * MUCH, connection.date))
        (served,) = self.served.server.connections
        self.waits.append(served._transport.get_write_buffer_size())  # noqa: SLF001
        return True


@pytest.mark.parametrize("together", [MANY, 1], ids=["pipelined", "one-by-one"])
async def test_who_does_not_read_is_not_answered_on(served: Served, together: int) -> None:
    served.server.lane = lane = FilledLane(served)
    async with served.client() as client:
        for _ in range(MANY // together):
            client.send(GET * together)
            await asyncio.sleep(0)
        await until(lambda: max(lane.waits, default=0) > 0)
        for _ in range(MANY):
            assert len((await client.answer())[2]) == MUCH
    assert max(lane.waits) < 3 * MUCH
    assert served.application.scopes == []


async def test_a_body_a_moment_behind_its_head_is_waited_for(served: Served) -> None:
    served.server.lane = QuickLane()
    async with served.client() as client:
        head, _, body = post(b"quick").partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        await until_read(served)
        client.send(body)
        assert (await client.answer())[2] == b"by the lane"
    assert served.application.scopes == []


@pytest.mark.parametrize("ends", [True, False], ids=["the-client-ends", "a-second-passes"])
async def test_a_body_that_does_not_come_is_left_to_the_application(
    served: Served, *, ends: bool
) -> None:
    served.server.lane = QuickLane()
    async with served.client() as client:
        client.send(post(b"quick")[:-1])
        await until_read(served)
        if ends:
            client.writer.write_eof()
            assert (await client.answer())[2].endswith(b"(cut)")
            async with asyncio.timeout(HEAD_PATIENCE / 2):  # who has said all is not listened to
                await until(lambda: not served.server.connections)
        else:
            served.pass_seconds(1)
            await until(lambda: len(served.application.scopes) == 1)
            client.send(b"k")
            assert (await client.answer())[2] == b"POST /form quick"
