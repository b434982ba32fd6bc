"""F4: 10,000 mixed requests of 50 tenants, a fifth cut off half-way. No answer is another's.

A connection that went back to the pool in the middle of a tenant's transaction would show: as an
answer, or a row in the ledger, of one tenant with the ids of another.
"""

import asyncio
import logging
from collections import Counter
from urllib.parse import urlsplit

import asyncpg
import httpx
import jwt
import pytest

from shared.domain.ids import role_of
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.faults.load import claim_of, not_in_ledger, until_true
from tests.isolation.mixed_requests import KINDS, Answer, Kind, Member
from tests.isolation.test_pool_canary import strangers
from tests.support import Installation, MadeTenant, issued_token, make_tenant

_TENANTS = 50
_REQUESTS = 10_000
_AT_ONCE = 16
_UNAVAILABLE = 503  # no answer of any tenant: the store was slow

_log = logging.getLogger("isolation")


class Run:
    """The requests, and what became of them."""

    def __init__(self, url: str, members: list[Member]) -> None:
        self._url, self._members = urlsplit(url), members
        self._numbers = iter(range(_REQUESTS))
        self.right: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.unavailable = 0
        self.violations: list[tuple[int, str, Answer]] = []
        self.jtis: list[str] = []

    async def work(self) -> None:
        """Send over one connection; those that are cut off have one each."""
        reader, writer = await self._connect()
        for number in self._numbers:
            name, kind, own, other = self._request(number)
            octets = kind.octets(own, other)
            if (number + number // _TENANTS) % 5 == 3:
                await self._cut_off(octets, number)
                self.cut[name] += 1
            else:
                writer.write(octets)
                self._judge(number, name, own, await read_answer(reader))
        writer.close()

    def _request(self, number: int) -> tuple[str, Kind, Member, Member]:
        row, column = divmod(number, _TENANTS)
        name = list(KINDS)[(row + column // 10) % len(KINDS)]
        other = (column + 1 + row % (_TENANTS - 1)) % _TENANTS  # never itself
        return name, KINDS[name], self._members[column], self._members[other]

    async def _cut_off(self, octets: bytes, number: int) -> None:
        """Send all or a part, and go away without reading, politely or not."""
        _, writer = await self._connect()
        writer.write(octets if number % 2 else octets[: number * 31 % len(octets)])
        await writer.drain()
        if number % 3:
            writer.close()
        else:
            writer.transport.abort()

    def _judge(self, number: int, name: str, own: Member, answer: Answer) -> None:
        if answer.status == _UNAVAILABLE:
            self.unavailable += 1
        elif KINDS[name].is_right(own, answer):
            self.right[name] += 1
            if name == "token":
                self.jtis.append(claim_of(str(answer.says()["access_token"]), "jti"))
        else:
            self.violations.append((number, name, answer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._url.hostname, self._url.port)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(status=int(lines[0].split()[1]), body=body)


async def member_of(http: httpx.AsyncClient, tenant: MadeTenant) -> Member:
    kept, revoked = [await issued_token(http, tenant) for _ in ("kept", "revoked")]
    keys = (await http.get(f"{tenant.issuer}/.well-known/jwks.json")).text
    return Member(tenant=tenant, kept=kept, revoked=revoked, keys=jwt.PyJWKSet.from_json(keys))


@pytest.fixture
async def members(database: Database, config: Config, http: httpx.AsyncClient) -> list[Member]:
    algorithms = [list(Algorithm)[number % len(Algorithm)] for number in range(_TENANTS)]
    return [
        await member_of(http, await make_tenant(database, config, algorithm=algorithm))
        for algorithm in algorithms
    ]


async def clients_in_ledger(installation: Installation, member: Member) -> set[tuple[str, str]]:
    """Read all that the ledger shows under the tenant's role: tenants and clients."""
    connection = await asyncpg.connect(installation.data_url)
    try:
        async with connection.transaction():
            await connection.execute(f'SET LOCAL ROLE "{role_of(member.tenant.tenant_id)}"')
            rows = await connection.fetch("SELECT DISTINCT tenant, client_id FROM ledger.issued")
    finally:
        await connection.close()
    return {(str(row["tenant"]), row["client_id"]) for row in rows}


async def no_transaction_is_open(installation: Installation) -> bool:
    """Tell whether every connection of the data plane is idle, so that no SET LOCAL ROLE lasts.

    The role itself is not to be seen from another connection.
    """
    login = urlsplit(installation.data_url).username
    owner = await asyncpg.connect(installation.owner_url)
    try:
        rows = await owner.fetch(
            "SELECT state, xact_start FROM pg_stat_activity"
            " WHERE usename = $1 AND datname = current_database()",
            login,
        )
    finally:
        await owner.close()
    return bool(rows) and all((row["state"], row["xact_start"]) == ("idle", None) for row in rows)


@pytest.mark.parametrize("name", ["token", "introspect own", "key set", "metadata"])
async def test_the_canary_sees_an_answer_that_is_another_tenants(
    name: str, database: Database, config: Config, http: httpx.AsyncClient
) -> None:
    one, other = [await member_of(http, await make_tenant(database, config)) for _ in range(2)]
    url = urlsplit(config.public_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(KINDS[name].octets(one, other))
    answer = await read_answer(reader)
    writer.close()
    assert KINDS[name].is_right(one, answer)
    assert not KINDS[name].is_right(other, answer)


async def test_ten_thousand_requests_with_disconnects_mix_nothing_up(
    members: list[Member], config: Config, installation: Installation
) -> None:
    run = Run(config.public_url, members)
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(run.work())
    _log.info(
        "%d requests of %d tenants: %d answered rightly, %d cut off, %d unavailable, %d violations",
        _REQUESTS,
        _TENANTS,
        run.right.total(),
        run.cut.total(),
        run.unavailable,
        len(run.violations),
    )
    _log.info("by kind: %s; cut off: %s", dict(run.right), dict(run.cut))
    assert run.violations == []
    assert run.cut.total() == _REQUESTS // 5
    assert set(run.right) == set(run.cut) == set(KINDS)
    assert run.right.total() + run.unavailable == _REQUESTS - _REQUESTS // 5
    assert not await not_in_ledger(installation, run.jtis)
    for member in members:
        own = {(str(member.tenant.tenant_id), member.tenant.client.client_id)}
        assert await clients_in_ledger(installation, member) == own
        assert await strangers(installation, member.tenant) == []
    await until_true(
        lambda: no_transaction_is_open(installation), "a connection is left in a transaction"
    )
