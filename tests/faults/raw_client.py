"""Keep-alive clients on bare sockets: nothing is tried again, so each broken request is seen."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.faults.load import until
from tests.support import MadeTenant

BODY = b"grant_type=client_credentials"
_STARTED = 50  # answers


def head_of(tenant: MadeTenant) -> bytes:
    """Give the head of a token request whose body is BODY."""
    url = urlsplit(tenant.token_endpoint)
    return (
        b"POST %b HTTP/1.1\r\nHost: %b\r\nAuthorization: Basic %b\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
    ) % (
        url.path.encode(),
        url.netloc.encode(),
        b64encode(":".join(tenant.basic).encode()),
        len(BODY),
    )


def length_in(head: bytes) -> int:
    """Read the Content-Length of an answer's head."""
    return int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])


class RawClients:
    """What they met so far."""

    def __init__(self, tenant: MadeTenant) -> None:
        url = urlsplit(tenant.token_endpoint)
        self.broken: list[str] = []  # requests without an answer, by what happened instead
        self.statuses: Counter[int] = Counter()
        self.connections = 0
        self._address = url.hostname, url.port
        self._request = head_of(tenant) + BODY

    async def ask_for_ever(self) -> None:
        while True:
            try:
                await self._ask_until_told_to_close()
            except (OSError, EOFError) as error:
                self.broken.append(repr(error))

    async def _ask_until_told_to_close(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        self.connections += 1
        try:
            keeps = True
            while keeps:
                writer.write(self._request)
                await writer.drain()
                keeps = await self._read_answer(reader)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _read_answer(self, reader: asyncio.StreamReader) -> bool:
        """Read one whole answer; tell whether the connection stays."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(length_in(head))
        self.statuses[int(head.split()[1])] += 1
        return b"\r\nconnection: close\r\n" not in head


@asynccontextmanager
async def raw_clients(tenant: MadeTenant, count: int) -> AsyncIterator[RawClients]:
    """Have them ask without pause until the block is left."""
    clients = RawClients(tenant)
    tasks = [asyncio.create_task(clients.ask_for_ever()) for _ in range(count)]
    try:
        await until(lambda: clients.statuses.total() >= _STARTED, "no tokens flow")
        yield clients
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in outcomes), outcomes
