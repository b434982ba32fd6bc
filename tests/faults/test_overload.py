"""More than can be served in time (row 18): it is refused at once, and the rest goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from shared.domain.ids import schema_of
from tests.conftest import run_server
from tests.faults.books import assert_recorded_once, owner_of
from tests.faults.conftest import served_tenant
from tests.faults.load import claim_of
from tests.faults.raw_client import BODY, head_of, length_in
from tests.support import Installation, MadeTenant, ask_token, issued_token

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
            clients = f'"{schema_of(tenant.tenant_id)}".client'
            async with locked(alone, clients):  # each waits for its client, as if that hung
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


async def test_of_a_burst_what_is_answered_is_recorded_and_the_rest_is_refused(
    alone: Installation,
) -> None:
    """In the lane, by a client that is known: its tokens wait for the record alone."""
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_PATIENCE) as http:
            first = await issued_token(http, tenant)
            burst = [await announce(tenant) for _ in range(_BURST)]
            async with locked(alone, "ledger.issued"):
                for _, writer in burst:
                    writer.write(BODY)
                answers = [await read_answer(reader) for reader, _ in burst]
            served = [each for each in answers if each.startswith(b"HTTP/1.1 200")]
            refused = [each for each in answers if each.startswith(b"HTTP/1.1 503")]
            _log.info("%d of %d served, %d refused", len(served), _BURST, len(refused))
            assert len(served) + len(refused) == _BURST
            assert served
            assert all(b"\r\nretry-after: 1\r\n" in each for each in refused)
            bodies = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in served]
            tokens = [first, *(each["access_token"] for each in bodies)]
            await assert_recorded_once(alone, [claim_of(each, "jti") for each in tokens])
            async with owner_of(alone) as owner:
                assert await owner.fetchval("SELECT count(*) FROM ledger.issued") == len(tokens)
            close_all(burst)


async def test_clients_that_send_slowly_keep_nobody_out(installation: Installation) -> None:
    with run_server(installation, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_PATIENCE) as http:
            slow = [await announce(tenant) for _ in range(_BURST)]
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK
            close_all(slow)


@asynccontextmanager
async def locked(installation: Installation, table: str) -> AsyncIterator[None]:
    """Have everybody who reads or writes the table wait."""
    async with owner_of(installation) as owner, owner.transaction():
        await owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


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
