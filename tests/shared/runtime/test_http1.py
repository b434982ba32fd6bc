"""HTTP/1.1 over real connections: order, bounds, slowness, streams, and the end of a worker."""

import asyncio

import pytest

from shared.runtime import http1_bounds
from shared.runtime.http1_answer import message
from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving
from tests.shared.runtime.http1_peers import GET, SECONDS, Served, post, until, until_read


async def test_an_application_is_told_what_was_asked(served: Served) -> None:
    status, headers, body = await served.ask(GET)
    assert (status, body) == (200, b"GET /hello ")
    assert headers["date"].endswith("GMT")
    scope = served.application.scopes[0]
    assert (scope["path"], scope["query_string"]) == ("/hello", b"x=1")
    assert scope["headers"] == [(b"host", b"a")]
    assert scope["client"][0] == "127.0.0.1"


async def test_requests_of_a_connection_are_answered_in_their_order(served: Served) -> None:
    async with served.client() as client:
        client.send(b"".join(post(b"%d" % number) for number in range(50)) + GET)
        answers = [await client.answer() for _ in range(51)]
    bodies = [body for _, _, body in answers]
    assert bodies == [*(b"POST /form %d" % number for number in range(50)), b"GET /hello "]


async def test_a_request_may_come_byte_by_byte(served: Served) -> None:
    async with served.client() as client:
        for octet in post(b"slowly"):
            client.send(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.answer())[2] == b"POST /form slowly"


@pytest.mark.parametrize("apart", [False, True])
async def test_who_asks_for_another_protocol_is_answered_in_this_one(
    served: Served, *, apart: bool
) -> None:
    upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEA")
    async with served.client() as client:
        head, _, body = post(b"the body", *upgrade).partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        if apart:
            await until(lambda: len(served.application.scopes) == 1)
        client.send(body + GET)
        assert (await client.answer())[2] == b"POST /form the body"
        assert (await client.answer())[2] == b"GET /hello "
        client.send(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert (await client.answer())[2] == b"GET /ws "
        client.send(GET)
        assert (await client.answer())[2] == b"GET /hello "
    assert (await served.ask(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 400


async def test_a_large_body_comes_whole_and_is_held_back_meanwhile(served: Served) -> None:
    body = bytes(3_000_000)
    status, _, answer = await served.ask(post(body))
    assert (status, len(answer)) == (200, len(b"POST /form ") + len(body))


async def test_a_client_that_waits_to_continue_is_told_to(served: Served) -> None:
    async with served.client() as client:
        head, _, body = post(b"wanted", b"Expect: 100-continue").partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        assert (await client.answer())[0] == 100
        client.send(body)
        assert (await client.answer())[2] == b"POST /form wanted"


async def test_what_is_malformed_behind_good_requests_is_refused_after_their_answers(
    served: Served,
) -> None:
    served.application.may_answer.clear()
    async with served.client() as client:
        client.send(GET + GET + b"NONSENSE\r\n\r\n")
        await until(lambda: len(served.application.scopes) == 1)
        served.application.may_answer.set()
        assert [(await client.answer())[0] for _ in range(3)] == [200, 200, 400]
        assert await client.rest() == b""


async def test_a_body_that_is_malformed_halfway_is_cut(served: Served) -> None:
    async with served.client() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n"
        )
        status, headers, body = await client.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert body.endswith(b"(cut)")


async def test_the_last_answer_is_heard_by_a_client_that_still_sends(served: Served) -> None:
    served.application.reads = False
    async with served.client() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + bytes(200_000)
        )
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")
        client.send(bytes(300_000))
        assert await client.rest() == b""


async def test_a_head_without_an_end_is_refused(served: Served) -> None:
    async with served.client() as client:
        client.send(b"GET / HTTP/1.1\r\nX: " + b"a" * (http1_bounds.MAXIMUM_HEAD + 1))
        assert (await client.answer())[0] == 431


async def test_a_slow_head_is_refused_and_a_silent_connection_closed_in_time(
    served: Served,
) -> None:
    async with served.client() as slow, served.client() as silent:
        slow.send(b"GET / HT")
        await until(lambda: len(served.server.connections) == 2)
        await until_read(served)
        served.pass_seconds(11)
        assert (await slow.answer())[0] == 408
        silent.send(GET)
        assert (await silent.answer())[0] == 200
        served.pass_seconds(80)
        assert await silent.rest() == b""


async def test_a_connection_may_be_idle_for_longer_than_a_request_may_take(served: Served) -> None:
    async with served.client() as client:
        client.send(GET)
        assert (await client.answer())[0] == 200
        served.pass_seconds(60)
        client.send(GET)
        assert (await client.answer())[0] == 200
        served.pass_seconds(80)
        assert await client.rest() == b""


async def test_a_stream_goes_out_as_it_is_made_and_ends_with_its_client(served: Served) -> None:
    async with served.client() as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        _, headers, _ = await client.answer()
        assert headers["transfer-encoding"] == "chunked"
        assert [await client.chunk(), await client.chunk()] == [b"one", b"two"]
    await asyncio.wait_for(served.application.disconnected.wait(), SECONDS)


async def test_of_a_mistake_the_caller_hears_nothing(served: Served) -> None:
    served.application.mistake = RuntimeError("the secret is 42")
    status, headers, body = await served.ask(GET)
    assert (status, headers["connection"]) == (500, "close")
    assert b"42" not in body


async def test_one_connection_too_many_hears_that_the_worker_is_busy(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Http1Server, "full", property(lambda server: len(server.connections) > 1))
    async with served.client() as first:
        first.send(GET)
        assert (await first.answer())[0] == 200
        async with served.client() as second:
            status, headers, _ = await second.answer()
            assert (status, headers["retry-after"]) == (503, "1")
        first.send(GET)
        assert (await first.answer())[0] == 200


async def test_a_worker_that_goes_says_so_and_finishes_what_has_begun(
    served: Served, leaving: Leaving
) -> None:
    served.application.may_answer.clear()
    async with served.client() as busy, served.client() as idle:
        busy.send(GET)
        await until(lambda: len(served.application.scopes) == 1)
        leaving.begun = True
        finished = asyncio.create_task(served.server.finish())
        assert await idle.rest() == b""
        assert not finished.done()
        served.application.may_answer.set()
        _, headers, body = await busy.answer()
        assert (body, headers["connection"]) == (b"GET /hello ", "close")
        assert await busy.rest() == b""
        busy.writer.close()
        await asyncio.wait_for(finished, SECONDS)


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
def test_a_header_with_a_line_break_is_never_sent(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        message(200, ((b"location", value),), b"", b"")
