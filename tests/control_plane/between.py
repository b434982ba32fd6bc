"""Something that stands between the code and its database, and acts before the n-th message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto
from urllib.parse import urlsplit, urlunsplit


class Fate(Enum):
    """What becomes of the message and of its connection."""

    PASSES = auto()
    IS_LOST = auto()  # the connection ends before the database hears it
    ANSWER_IS_LOST = auto()  # the connection ends after the database has done it


class Between:
    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._left = 0
        self._act: Callable[[], Fate] = lambda: Fate.PASSES
        self.url = ""

    @property
    def reached(self) -> bool:
        """Has the message been sent for which it was armed?"""
        return self._left <= 0

    def at_message(self, number: int, act: Callable[[], Fate]) -> None:
        """Act before the client's `number`-th message from now."""
        self._left, self._act = number, act

    async def serve(
        self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        server_reader, server_writer = await asyncio.open_connection(
            self._upstream.hostname, self._upstream.port
        )
        lost = asyncio.Event()
        pumps = [
            asyncio.create_task(self._forth(client_reader, server_writer, lost)),
            asyncio.create_task(_back(server_reader, client_writer, lost)),
        ]
        await _until_one_ends(pumps, lost)
        for writer in (client_writer, server_writer):
            writer.close()

    async def _forth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while not lost.is_set() and (chunk := await reader.read(65536)):
            match self._fate_of_next():
                case Fate.IS_LOST:
                    return
                case Fate.ANSWER_IS_LOST:
                    lost.set()
                case Fate.PASSES:
                    pass
            writer.write(chunk)

    def _fate_of_next(self) -> Fate:
        self._left -= 1
        return self._act() if self._left == 0 else Fate.PASSES


async def _back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
) -> None:
    while (chunk := await reader.read(65536)) and not lost.is_set():
        writer.write(chunk)


async def _until_one_ends(pumps: list[asyncio.Task[None]], lost: asyncio.Event) -> None:
    """Wait until either side is done; where the answer shall be lost, until it has come."""
    forth, back = pumps
    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    if lost.is_set():
        await asyncio.wait([back], timeout=5)
    for pump in pumps:
        pump.cancel()
    await asyncio.gather(forth, back, return_exceptions=True)


@asynccontextmanager
async def between(url: str) -> AsyncIterator[Between]:
    """Give one whose `url` leads to the database."""
    made = Between(url)
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    made.url = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
