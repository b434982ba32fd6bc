"""A thousand mixed requests of ten tenants, a fifth of them cut off half-way: nothing is mixed up.

A connection that is given back to the pool in the middle of a tenant's transaction would show as a
row of one tenant with the ids of another.
"""

import asyncio
import re
from itertools import cycle, islice
from urllib.parse import urlencode, urlsplit

import asyncpg
import httpx
import msgspec
import pytest

from shared.domain.ids import schema_of
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.faults.load import claim_of, not_in_ledger
from tests.support import Installation, MadeTenant, basic_header, make_tenant

_TENANTS = 10
_REQUESTS = 1_000
_AT_ONCE = 20
_BUSY = "HTTP/1.1 503 "
# endpoint, and whether the client's id is tampered with
_KINDS = (
    ("token", False),
    ("introspect", False),
    ("revoke", False),
    ("token", True),
    ("token", False),
)
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


class Request(msgspec.Struct, frozen=True):
    """One request in full, and how much of it is sent before its client goes away."""

    tenant: MadeTenant
    octets: bytes
    sent: int  # octets
    waits: bool  # for the answer


def request_of(tenant: MadeTenant, number: int, tokens: list[str]) -> Request:
    """Make the number-th request: what it asks and whether it is cut off follow from the number."""
    row, column = divmod(number, _TENANTS)  # the column is the tenant
    endpoint, tampered = _KINDS[row % len(_KINDS)]
    client_id, secret = tenant.basic
    basic = basic_header(client_id[:-1] + "_" if tampered else client_id, secret)
    token = tokens[(column + row // len(_KINDS)) % _TENANTS]  # its own, or another tenant's
    body = urlencode({"grant_type": "client_credentials", "token": token}).encode()
    octets = _head(f"{urlsplit(tenant.issuer).path}/oauth/{endpoint}", basic, body) + body
    cut_in_body, cut_before_answer = (row + column) % 10 == 3, (row + column) % 10 == 8
    sent = len(octets) - len(body) // 2 if cut_in_body else len(octets)
    return Request(tenant, octets, sent, waits=not (cut_in_body or cut_before_answer))


def _head(path: str, basic: dict[str, str], body: bytes) -> bytes:
    headers = {
        **basic,
        "Host": "127.0.0.1",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def send(request: Request, url: str) -> str:
    """Send it; give the answer, or nothing where the client does not wait for one."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request.octets[: request.sent])
        await writer.drain()
        return (await reader.read()).decode() if request.waits else ""
    finally:
        writer.close()


async def send_all(requests: list[Request], url: str) -> list[tuple[Request, str]]:
    answers: list[tuple[Request, str]] = []
    waiting = iter(requests)

    async def work() -> None:
        for request in waiting:
            while (answer := await send(request, url)).startswith(_BUSY):
                pass  # the machine is: its store takes longer than anybody waits for
            answers.append((request, answer))

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return answers


async def first_tokens(tenants: list[MadeTenant]) -> list[str]:
    form = {"grant_type": "client_credentials"}
    async with httpx.AsyncClient() as http:
        return [
            (await http.post(each.token_endpoint, data=form, auth=each.basic)).json()[
                "access_token"
            ]
            for each in tenants
        ]


async def strangers(installation: Installation, tenant: MadeTenant) -> list[str]:
    """Give the ledger rows of the tenant that name a client or token which is not the tenant's."""
    owner = await asyncpg.connect(installation.owner_url)
    clients = f'SELECT client_id FROM "{schema_of(tenant.tenant_id)}".client'  # noqa: S608
    own = "SELECT jti::text FROM ledger.issued WHERE tenant = $1"
    rows = await owner.fetch(
        f"SELECT i::text FROM ledger.issued i WHERE tenant = $1 AND client_id NOT IN ({clients})"  # noqa: S608
        " UNION ALL SELECT r::text FROM ledger.revocation r"
        f" WHERE tenant = $1 AND kind = 'token' AND subject NOT IN ({own})",
        tenant.tenant_id,
    )
    await owner.close()
    return [row[0] for row in rows]


@pytest.fixture
async def tenants(database: Database, config: Config) -> list[MadeTenant]:
    return [await make_tenant(database, config) for _ in range(_TENANTS)]


async def test_no_row_is_another_tenants_after_a_thousand_requests_and_disconnects(
    tenants: list[MadeTenant], config: Config, installation: Installation
) -> None:
    tokens = await first_tokens(tenants)
    turns = enumerate(islice(cycle(tenants), _REQUESTS))
    answers = await send_all(
        [request_of(tenant, number, tokens) for number, tenant in turns], config.public_url
    )
    assert sum(not request.waits for request, _ in answers) == _REQUESTS // 5
    jtis = []
    for request, answer in answers:
        assert not answer.startswith("HTTP/1.1 5"), answer
        for token in _TOKEN.findall(answer):
            assert claim_of(token, "iss") == request.tenant.issuer
            assert claim_of(token, "client_id") == request.tenant.client.client_id
            jtis.append(claim_of(token, "jti"))
    assert len(jtis) > _REQUESTS // 4  # two of five ask for a token, and four of five wait for it
    assert not await not_in_ledger(installation, jtis)
    for tenant in tenants:
        assert await strangers(installation, tenant) == []
