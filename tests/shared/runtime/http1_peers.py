"""Both ends of an HTTP/1.1 connection: an application, and a client."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving

SECONDS = 20.0  # more than a busy machine takes
GET = b"GET /hello?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"


class Echo:
    """An application that tells what it was asked; `hold` keeps its answers back."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.scopes: list[dict[str, Any]] = []
        self.disconnected = asyncio.Event()
        self.reads = True
        self.mistake: Exception | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["path"] == "/stream":
            await self._stream(receive, send)
            return
        body = await self._body(receive) if self.reads else b""
        await self.may_answer.wait()
        if self.mistake is not None:
            raise self.mistake
        await send({"type": "http.response.start", "status": 200, "headers": []})
        answer = b"%s %s %s" % (scope["method"].encode(), scope["raw_path"], body)
        await send({"type": "http.response.body", "body": answer})

    async def _body(self, receive: Any) -> bytes:
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                self.disconnected.set()
                return body + b"(cut)"
            body, more = body + event["body"], event["more_body"]
        return body

    async def _stream(self, receive: Any, send: Any) -> None:
        await self._body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        self.disconnected.set()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self._read(self._reader.readuntil(b"\r\n\r\n"))).decode()
        first, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await self._read(self._reader.readexactly(int(headers.get("content-length", "0"))))
        return int(first.split(" ")[1]), headers, body

    async def chunk(self) -> bytes:
        size = int(await self._read(self._reader.readline()), 16)
        return (await self._read(self._reader.readexactly(size + 2)))[:-2]

    async def rest(self) -> bytes:
        return await self._read(self._reader.read())

    async def _read(self, reading: Any) -> bytes:
        return bytes(await asyncio.wait_for(reading, SECONDS))


class Served:
    def __init__(self, application: Echo, server: Http1Server, address: Any) -> None:
        self.application = application
        self.server = server
        self._address = address

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()

    async def ask(self, octets: bytes) -> tuple[int, dict[str, str], bytes]:
        async with self.client() as client:
            client.send(octets)
            return await client.answer()

    def pass_seconds(self, seconds: int) -> None:
        """Have the server look at its connections as if so many had passed."""
        self.server.tick += seconds
        for each in list(self.server.connections):
            each.look()


def post(body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    lines = (b"POST /form HTTP/1.1", b"Host: a", length, *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def until(is_so: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():
            await asyncio.sleep(0.001)


async def until_read(served: Served) -> None:
    """Wait until the bytes of some connection have come to the parser."""
    await until(lambda: any(each.begun for each in served.server.connections))


@pytest.fixture
def leaving() -> Leaving:
    return Leaving()


@pytest.fixture
async def served(leaving: Leaving) -> AsyncIterator[Served]:
    application = Echo()
    server = Http1Server(application, leaving)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = listener.getsockname()
        listener.listen()
        await server.accept(listener.dup())
    yield Served(application, server, address)
    application.may_answer.set()
    await asyncio.wait_for(server.finish(), SECONDS)
