"""A small real HTTP server that misbehaves on request, and results to report on."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from control_plane.benchmark.generator import Generator, started_generator

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class SmallServer:
    """Answers each request with `answer`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = _ANSWER
        self.first: list[bytes] = []  # answers before it
        self.stall = 0.0  # seconds, before the next answer alone
        self.connections = 0
        self.paths: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.paths.append(head.split(b" ")[1].decode())
                stall, self.stall = self.stall, 0.0
                await asyncio.sleep(stall)
                writer.write(self.first.pop() if self.first else self.answer)
                await writer.drain()
                if not self.answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="session")
def generator() -> Iterator[Generator]:
    with started_generator(None) as generator:
        yield generator


@pytest.fixture
async def small() -> AsyncIterator[SmallServer]:
    small = SmallServer()
    server = await asyncio.start_server(small.serve, "127.0.0.1", 0)
    small.port = server.sockets[0].getsockname()[1]
    async with server:
        yield small
