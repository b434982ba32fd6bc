"""A relay before PostgreSQL, which can speak in its name: for instants that a kill seldom hits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

# PostgreSQL's ErrorResponse to the sessions that outlive a sibling's crash ("Message Formats")
_FIELDS = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of crash\0\0"
DYING_WORDS = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS


class Relay:
    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._to_clients: list[asyncio.StreamWriter] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: list[asyncio.Task[None]] = []
        self._questions_pass = asyncio.Event()
        self._answers_pass = asyncio.Event()
        self.release()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(*self._server)
        self._to_clients.append(writer)
        self._writers += [ours, writer]
        self._tasks.append(asyncio.create_task(_pump(reader, ours, self._questions_pass)))
        self._answers.append(asyncio.create_task(_pump(theirs, writer, self._answers_pass)))

    def hold(self) -> None:
        """Let nothing through, as a network does that has broken without a word."""
        self._questions_pass.clear()
        self._answers_pass.clear()

    def hold_answers(self) -> None:
        """Let the server hear and do what it is asked, and nobody learn of it."""
        self._answers_pass.clear()

    def release(self) -> None:
        self._questions_pass.set()
        self._answers_pass.set()

    async def say_last(self, message: bytes) -> None:
        """Send these bytes to every client in the server's name, and nothing after them."""
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        for writer in self._to_clients:
            writer.write(message)

    async def end(self) -> None:
        tasks = [*self._tasks, *self._answers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(
            *(each.wait_closed() for each in self._writers), return_exceptions=True
        )


async def _pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, passes: asyncio.Event
) -> None:
    with suppress(OSError):
        while octets := await source.read(65_536):
            await passes.wait()
            target.write(octets)
            await target.drain()
        target.close()


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[str, Relay]]:
    """Give the URL of a relay before the database at `url`, and the relay."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    relay = Relay(parts.hostname, parts.port)
    server = await asyncio.start_server(relay.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = f"{parts.username}:{parts.password}@127.0.0.1:{port}"
    try:
        yield parts._replace(netloc=address).geturl(), relay
    finally:
        server.close()
        await relay.end()
