"""The real ledger on a real database, with a spool of its own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory

import pytest

from data_plane.ports import IssuedToken
from data_plane.store import ledger
from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.ledger import SpooledLedger
from data_plane.store.pool import Pool
from data_plane.store.spool import Spool
from shared.domain.ids import ClientId, TenantId, uuid7
from tests.isolation.patient_pool import opened_pool

LIMIT = 2**24  # octets
_PATIENCE = 20.0  # seconds, where the product has less than one
TENANT = TenantId("aaaaaaaaaaaaa")
ACCOUNT = "a_tests"


def new_jti() -> bytes:
    return uuid7(time.time_ns() // 1_000_000, randbits(74)).bytes


def issued(
    *,
    tenant: TenantId = TENANT,
    account: str = ACCOUNT,
    client_id: str = "c_1",
    jti: bytes | None = None,
) -> IssuedToken:
    return IssuedToken(
        tenant=tenant,
        account=account,
        client_id=ClientId(client_id),
        api="https://api.example",
        jti=jti or new_jti(),
        lifetime=60,
    )


class RealLedger:
    """A ledger, what it is made of, and the size of each of its commits."""

    def __init__(self, url: str, pool: Pool, directory: Path, limit: int = LIMIT) -> None:
        self.pool = pool
        self.commits: list[int] = []
        self.spooled = 0  # tokens that wait
        self.counts = StoredIssuedCounts(pool)
        self.ledger = SpooledLedger(
            url,
            pool,
            Spool(directory, limit, self._observe_spool),
            self.counts,
            lambda records, _: self.commits.append(records),
        )

    @asynccontextmanager
    async def replaying(self) -> AsyncIterator[None]:
        """Have its spool opened, and replayed whenever the database takes it."""
        task = asyncio.create_task(self.ledger.replay())
        try:
            await self.ledger.opened.wait()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _observe_spool(self, tokens: int, oldest: int, replayed: int) -> None:
        del oldest, replayed
        self.spooled = tokens


@asynccontextmanager
async def opened_ledger(url: str) -> AsyncIterator[RealLedger]:
    """Open a ledger that is patient: on a busy machine too nothing goes to its spool."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as directory:
        patch.setattr(ledger, "_PATIENCE", _PATIENCE)
        async with opened_pool(url) as pool:
            real = RealLedger(url, pool, Path(directory))
            try:
                yield real
            finally:
                await real.ledger.drain()
                await real.ledger.close()
