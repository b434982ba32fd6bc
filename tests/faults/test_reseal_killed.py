"""`keys reseal`, ended by kill -9 half-way, is taken up again; tokens flow all along."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import jwt
import msgspec
import pytest

from control_plane.keys.actions import unopenable_keys
from control_plane.keys.repository import sealed_keys
from shared.domain.ids import schema_of
from shared.runtime.config import Config, Key, read_config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.conftest import run_server
from tests.faults.load import until, until_true
from tests.support import MASTER_KEY as OLD
from tests.support import Installation, MadeTenant, Server, ask_token, make_tenant, opened

_OCTETS = b"n" * 32
NEW = urlsafe_b64encode(_OCTETS).rstrip(b"=").decode()
NEW_SEALER = Sealer((Key(_OCTETS),))
BOTH = f"{NEW},{OLD}"
TENANTS = 10
_PATIENCE = 60.0  # seconds
_PAUSE = 0.01  # seconds
KEYS_EACH = 2
# Where the command is stopped: at which tenant, and at its snapshot or amid its transaction.
STOPS = ((1, False), (4, True), (5, False), (9, True))


class Issuing:
    """Takes a token of every tenant in turn, and verifies it with the keys that it publishes."""

    def __init__(self, tenants: list[MadeTenant]) -> None:
        self._tenants = tenants
        self.rounds = 0
        self.verified: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def issue_for_ever(self) -> None:
        async with httpx.AsyncClient(timeout=_PATIENCE) as http:
            while True:
                await self.issue_once(http)

    async def issue_once(self, http: httpx.AsyncClient) -> None:
        for each in self._tenants:
            answer = await ask_token(http, each)
            if answer.is_success and await is_verified(http, each, answer.json()["access_token"]):
                self.verified[each.slug] += 1
            else:
                self.wrong.append(f"{each.slug}: {answer.status_code}")
            await asyncio.sleep(_PAUSE)  # the command needs the machine too
        self.rounds += 1

    async def two_more_rounds(self) -> None:
        """Wait until every tenant has been asked in a whole round from now."""
        wanted = self.rounds + 2
        await until(lambda: self.rounds >= wanted, "no tokens flow", _PATIENCE)


async def is_verified(http: httpx.AsyncClient, tenant: MadeTenant, token: str) -> bool:
    answer = await http.get(f"{tenant.issuer}/.well-known/jwks.json")
    key = jwt.PyJWKSet.from_json(answer.text)[jwt.get_unverified_header(token)["kid"]]
    try:
        jwt.decode(token, key, ["ES256"], audience=tenant.audience, issuer=tenant.issuer)
    except jwt.PyJWTError:
        return False
    return True


@asynccontextmanager
async def issuing(tenants: list[MadeTenant]) -> AsyncIterator[Issuing]:
    """Issue until the block is left, and once more to every tenant before that."""
    run = Issuing(tenants)
    task = asyncio.create_task(run.issue_for_ever())
    try:
        yield run
        await run.two_more_rounds()
    finally:
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), outcome


def config_of(server: Server, master_key: str) -> Config:
    return read_config(server.installation.environment(server.url) | {"MASTER_KEY": master_key})


async def start_reseal(installation: Installation) -> Process:
    environment = {**os.environ, **installation.environment(), "MASTER_KEY": BOTH}
    command = (sys.executable, "-m", "control_plane.cli.main", "keys", "reseal", "--json")
    return await create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)


async def reseal(installation: Installation) -> dict[str, int]:
    """Run the command to its end, and give what it says."""
    process = await start_reseal(installation)
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint
    done: dict[str, int] = json.loads(said)
    return done


async def reseal_killed_at(tenant: MadeTenant, installation: Installation, *, amid: bool) -> None:
    """Hold a row that the command has to have, and end it by kill -9 when it waits for that."""
    row = (
        f"SELECT 1 FROM \"{schema_of(tenant.tenant_id)}\".signing_key WHERE algorithm = 'RS256'"  # noqa: S608
        if amid
        else f"SELECT 1 FROM control.issuer_snapshot WHERE tenant_id = '{tenant.tenant_id}'"  # noqa: S608
    )
    owner = await asyncpg.connect(installation.owner_url)
    waiting = (
        "SELECT count(*) FROM pg_locks"
        " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )

    async def one_waits() -> bool:
        return bool(await owner.fetchval(waiting))

    try:
        async with owner.transaction():
            await owner.execute(f"{row} FOR UPDATE")
            process = await start_reseal(installation)
            try:
                await until_true(one_waits, "the command did not come to the tenant", _PATIENCE)
            finally:
                process.kill()
                await process.communicate()
    finally:
        await owner.close()
    assert process.returncode == -9


async def sealed_anew(database: Database, tenants: list[MadeTenant]) -> list[int]:
    """Give for each tenant how many of its keys the new master key has sealed."""
    counts = []
    for each in tenants:
        async with database.tenant(each.tenant_id) as connection:
            keys = await sealed_keys(connection)
        counts.append(sum(NEW_SEALER.is_newest(sealed) for _, sealed in keys))
    return counts


@pytest.mark.timeout(600)
async def test_a_killed_reseal_is_taken_up_again_and_no_token_is_missed(
    alone: Installation, http: httpx.AsyncClient
) -> None:
    async with opened(alone.control_url) as database:
        with run_server(alone, MASTER_KEY=BOTH) as server:
            old = config_of(server, OLD)
            tenants = [
                await make_tenant(database, old, slug=f"reseal-{number:02}")
                for number in range(TENANTS)
            ]
            async with issuing(tenants) as run:
                await _reseal_with_interruptions(tenants, alone, database, run)
        assert run.wrong == []
        assert min(run.verified[each.slug] for each in tenants) > len(STOPS)
        with run_server(alone, MASTER_KEY=NEW) as server:
            moved = [
                msgspec.structs.replace(each, issuer=f"{server.url}/t/{each.slug}")
                for each in tenants
            ]
            after = Issuing(moved)
            await after.issue_once(http)
    assert (after.wrong, after.verified.total()) == ([], TENANTS)


async def _reseal_with_interruptions(
    tenants: list[MadeTenant], installation: Installation, database: Database, run: Issuing
) -> None:
    assert await sealed_anew(database, tenants) == [0] * TENANTS
    for reached, amid in STOPS:
        await reseal_killed_at(tenants[reached], installation, amid=amid)
        expected = [KEYS_EACH] * reached + [0] * (TENANTS - reached)
        assert await sealed_anew(database, tenants) == expected
        await run.two_more_rounds()
    left = TENANTS - STOPS[-1][0]
    assert await reseal(installation) == {"tenants": TENANTS, "keys": left * KEYS_EACH}
    assert await reseal(installation) == {"tenants": TENANTS, "keys": 0}
    assert await sealed_anew(database, tenants) == [KEYS_EACH] * TENANTS
    for each in tenants:
        assert await unopenable_keys(database, each.tenant_id, NEW_SEALER) == []
