"""Clients that fetch tokens all the time, and remember which ones were answered."""

import asyncio
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import msgspec

from tests.support import Installation, MadeTenant, ask_token

CONNECTIONS = 8
_STARTED = 100  # tokens; then the load is said to be under way
_PATIENCE = 60.0  # seconds
_PAUSE = 0.01  # seconds between a client's requests: the machine is needed by what is tested


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A token answer: when it was asked for and when it came, what it said."""

    asked_at: float
    came_at: float
    status: int
    retry_after: str | None
    jti: str | None

    @property
    def seconds(self) -> float:
        return self.came_at - self.asked_at


class Load:
    """What the clients met so far."""

    def __init__(self) -> None:
        self.answers: list[Answered] = []
        self.cut = 0  # requests whose connection broke before the answer
        self.refused = 0  # connections that were refused: nobody listened

    @property
    def jtis(self) -> list[str]:
        return [each.jti for each in self.answers if each.jti is not None]

    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.answers)

    def asked_between(self, start: float, end: float) -> list[Answered]:
        return [each for each in self.answers if start < each.asked_at and each.came_at < end]

    async def fetch_for_ever(self, tenant: MadeTenant) -> None:
        async with httpx.AsyncClient(timeout=_PATIENCE) as http:
            while True:
                try:
                    await self._fetch(http, tenant)
                except httpx.ConnectError:
                    self.refused += 1
                except httpx.TransportError:
                    self.cut += 1
                await asyncio.sleep(_PAUSE)

    async def _fetch(self, http: httpx.AsyncClient, tenant: MadeTenant) -> None:
        asked_at = time.monotonic()
        answer = await ask_token(http, tenant)
        ok = answer.status_code == httpx.codes.OK
        self.answers.append(
            Answered(
                asked_at=asked_at,
                came_at=time.monotonic(),
                status=answer.status_code,
                retry_after=answer.headers.get("Retry-After"),
                jti=claim_of(answer.json()["access_token"], "jti") if ok else None,
            )
        )


@asynccontextmanager
async def under_load(tenant: MadeTenant) -> AsyncIterator[Load]:
    """Fetch tokens over eight connections until the block is left; enter when they flow."""
    load = Load()
    tasks = [asyncio.create_task(load.fetch_for_ever(tenant)) for _ in range(CONNECTIONS)]
    try:
        await until(lambda: len(load.jtis) >= _STARTED, "no tokens flow")
        yield load
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in outcomes), outcomes


def claim_of(token: str, name: str) -> str:
    """Read a claim as it stands: whether the signature is right is another test's matter."""
    claims = token.split(".")[1]
    return str(msgspec.json.decode(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))[name])


async def not_in_ledger(installation: Installation, jtis: list[str]) -> set[str]:
    """Name the tokens of which the ledger knows nothing; asked as the owner, who sees all.

    What a busy machine has had spooled is there a little later.
    """
    query = "SELECT jti::text FROM ledger.issued WHERE jti = ANY($1::uuid[])"
    end = time.monotonic() + _PATIENCE
    connection = await asyncpg.connect(installation.owner_url)
    try:
        while True:
            rows = await connection.fetch(query, jtis)
            missing = set(jtis) - {row["jti"] for row in rows}
            if not missing or time.monotonic() > end:
                return missing
            await asyncio.sleep(_PAUSE)
    finally:
        await connection.close()


async def until(reached: Callable[[], bool], otherwise: str, patience: float = _PATIENCE) -> None:
    async def ask() -> bool:
        return reached()

    await until_true(ask, otherwise, patience)


async def until_true(
    ask: Callable[[], Awaitable[bool]], otherwise: str, patience: float = _PATIENCE
) -> float:
    """Ask until the answer is yes; give the seconds that took."""
    start = time.monotonic()
    while not await ask():
        assert time.monotonic() - start < patience, otherwise
        await asyncio.sleep(0.02)
    return time.monotonic() - start
