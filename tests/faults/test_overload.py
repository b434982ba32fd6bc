"""More than can be served in time (row 18): it is refused at once, and the rest goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import httpx

from shared.domain.ids import schema_of
from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.faults.raw_client import BODY, head_of, length_in
from tests.support import Installation, MadeTenant, ask_token

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_BURST = 600  # requests at one moment, for one worker
_PATIENCE = 60.0  # seconds


async def test_a_burst_on_a_store_that_hangs_is_refused_while_documents_are_served(
    alone: Installation,
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_PATIENCE) as http:
            jwks_uri = f"{tenant.issuer}/.well-known/jwks.json"
            assert (await http.get(jwks_uri)).status_code == httpx.codes.OK
            burst = [await announce(tenant) for _ in range(_BURST)]
            async with nobody_reads_clients(alone, tenant):
                for _, writer in burst:
                    writer.write(BODY)
                assert (await http.get(jwks_uri)).status_code == httpx.codes.OK
                answers = [await read_answer(reader) for reader, _ in burst]
            refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
            turned_away = [answer for answer in refused if b"the service is busy" in answer]
            _log.info("%d of %d turned away", len(turned_away), _BURST)
            assert turned_away
            assert all(b"\r\nretry-after: 1\r\n" in answer for answer in refused)
            assert len(refused) == len(answers)
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            close_all(burst)


async def test_clients_that_send_slowly_keep_nobody_out(installation: Installation) -> None:
    with run_server(installation, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_PATIENCE) as http:
            slow = [await announce(tenant) for _ in range(_BURST)]
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            close_all(slow)


@asynccontextmanager
async def nobody_reads_clients(
    installation: Installation, tenant: MadeTenant
) -> AsyncIterator[None]:
    """Have each request wait for its client, as with a database that hangs."""
    owner = await asyncpg.connect(installation.owner_url)
    table = f'"{schema_of(tenant.tenant_id)}".client'
    try:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await owner.close()


async def announce(tenant: MadeTenant) -> Line:
    """Send a request's head, and nothing of its body."""
    url = urlsplit(tenant.token_endpoint)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(head_of(tenant))
    await writer.drain()
    return reader, writer


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(length_in(head))


def close_all(lines: Iterable[Line]) -> None:
    for _, writer in lines:
        writer.close()
