"""A server of somebody else's, on this machine: it answers each path as it was told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import TypeAlias

Answer: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]

_DRIP = 0.01  # seconds
_PATIENCE = 60.0  # seconds


class Outside:
    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.answers: dict[str, Answer] = {}
        self.heads: list[str] = []  # of each request
        self.connections = self.ended = 0

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await self.answers[self.paths[-1]](writer)
            await writer.drain()
        writer.close()
        self.ended += 1


@asynccontextmanager
async def outside(tls: SSLContext | None = None) -> AsyncIterator[Outside]:
    serving = Outside()
    connections: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append((asyncio.create_task(serving.serve(reader, writer)), writer))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    serving.port = server.sockets[0].getsockname()[1]
    serving.url = f"{'https' if tls else 'http'}://127.0.0.1:{serving.port}"
    try:
        yield serving
    finally:
        server.close()
        for task, writer in connections:
            task.cancel()
            writer.transport.abort()
        ends = [task for task, _ in connections]
        closed = [writer.wait_closed() for _, writer in connections]
        await asyncio.gather(*ends, *closed, return_exceptions=True)


def saying(body: bytes, content_type: str = "application/json", status: str = "200 OK") -> Answer:
    """Answer with a document."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return raw(head.encode() + b"\r\n" + body)


def raw(octets: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()

    return answer


def dripping(first: bytes, each: bytes) -> Answer:
    """Answer without an end, slowly."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(_DRIP)

    return answer


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def seen(happened: Callable[[], bool]) -> None:
    """Return once something that was begun has happened."""
    deadline = time.monotonic() + _PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(_DRIP)
