"""Ten rotations while tokens are issued: no verifier rejects one, however long it caches.

Time is scaled: a day is a second. Verifiers fetch the key set when their copy is as old as their
cache lives, and never because a `kid` is missing.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from control_plane.keys.actions import KeyKeeper, list_keys
from control_plane.keys.rules import Schedule
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from shared.runtime.sealing import Sealer
from tests.conftest import new_installation, run_server
from tests.support import MadeTenant, Server, ask_token, make_tenant, opened

_log = logging.getLogger("faults")  # figures: pytest --log-cli-level=INFO

DAY = 1.0  # seconds
UNSCALED = 1.5  # seconds: making a key, committing and following take as long as ever
SCHEDULE = Schedule(
    signs_for=timedelta(seconds=DAY * 26 / 24 + UNSCALED),
    published_before=timedelta(seconds=DAY * 25 / 24 + UNSCALED),
    kept_after=timedelta(seconds=2 * DAY),
)
ROTATIONS = 10
TOKEN_LIFE = DAY  # the longest
CACHES = {"0 s": 0.0, "300 s": DAY * 300 / 86400, "600 s": DAY * 600 / 86400, "24 h": DAY}


class Verifier:
    """An API that keeps the key set for a while, and asks for it then and never else."""

    def __init__(self, keeps_for: float) -> None:
        self._keeps_for = keeps_for
        self._fetched_at = float("-inf")
        self._kids: set[str] = set()

    async def accepts(self, http: httpx.AsyncClient, tenant: MadeTenant, token: str) -> bool:
        if time.monotonic() - self._fetched_at >= self._keeps_for:
            fetched_at = time.monotonic()
            answer = await http.get(f"{tenant.issuer}/.well-known/jwks.json")
            self._kids = {key["kid"] for key in answer.json()["keys"]}
            self._fetched_at = fetched_at
        return jwt.get_unverified_header(token)["kid"] in self._kids


class Run:
    def __init__(self, http: httpx.AsyncClient, tenant: MadeTenant) -> None:
        self.http, self.tenant = http, tenant
        self.verifiers = {name: Verifier(keeps) for name, keeps in CACHES.items()}
        self.held: list[tuple[float, str]] = []  # when it was issued, the token
        self.checked = 0
        self.rejected: list[str] = []
        self.ended = False

    async def issue_and_verify(self) -> None:
        """Verify each token when it is new, and again at the end of its life."""
        while not self.ended:
            token = (await ask_token(self.http, self.tenant)).json()["access_token"]
            self.held.append((time.monotonic(), token))
            await self._verify(token)
            while self.held and time.monotonic() - self.held[0][0] > TOKEN_LIFE * 0.97:
                await self._verify(self.held.pop(0)[1])
            await asyncio.sleep(0.05)  # leave some of the machine to those who rotate

    async def _verify(self, token: str) -> None:
        for name, verifier in self.verifiers.items():
            self.checked += 1
            if not await verifier.accepts(self.http, self.tenant, token):
                self.rejected.append(name)


@pytest.mark.timeout(600)
async def test_no_token_is_rejected_through_ten_rotations(
    http: httpx.AsyncClient, alone: Server
) -> None:
    config = read_config(alone.installation.environment(alone.url))
    async with opened(alone.installation.control_url) as database:
        run = Run(http, await make_tenant(database, config))
        await _rotate_under_load(run, database, config)
    _log.info("%d tokens checked, %d rejected", run.checked, len(run.rejected))
    assert run.checked > 1_000
    assert run.rejected == []


@pytest.fixture
def alone(postgres: EmbeddedPostgres) -> Iterator[Server]:
    """A server whose database has no other tenant: the keeper takes all that are due."""
    with run_server(new_installation(postgres.url)) as server:
        yield server


async def _rotate_under_load(run: Run, database: Database, config: Config) -> None:
    keeper = KeyKeeper(database, Sealer(config.master_keys), lambda: datetime.now(UTC), SCHEDULE)
    load = asyncio.create_task(run.issue_and_verify())
    seen: set[str] = set()
    async with asyncio.timeout(80):
        while len(seen) <= ROTATIONS and not load.done():
            await keeper.advance_due()
            keys = await list_keys(database, run.tenant.tenant_id)
            seen |= {key.kid for key in keys if key.algorithm == "ES256" and key.current_at}
            await asyncio.sleep(0.05)
    run.ended = True
    await load
    assert len(seen) > ROTATIONS
