"""The books after a fault: what was answered is there once, and every count says the same."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.faults.load import until_true
from tests.support import Installation

_PATIENCE = 60.0  # seconds until the spool is replayed

_COUNTS = """
SELECT (SELECT count(*) FROM ledger.issued),
  (SELECT coalesce(sum(count), 0) FROM ledger.usage WHERE event = 'issued'),
  (SELECT coalesce(sum(issued), 0) FROM ledger.account_month)
"""


@asynccontextmanager
async def owner_of(installation: Installation) -> AsyncIterator[Any]:
    """Connect as the owner, whom no policy holds."""
    connection = await asyncpg.connect(installation.owner_url)
    try:
        yield connection
    finally:
        await connection.close()


async def assert_recorded_once(installation: Installation, jtis: list[str]) -> float:
    """Wait until all of them are in the ledger; give the seconds that took."""
    async with owner_of(installation) as owner:

        async def nothing_is_missing() -> bool:
            return set(jtis) <= set(await _recorded(owner))

        seconds = await until_true(nothing_is_missing, "answered tokens are not there", _PATIENCE)
        there = Counter(await _recorded(owner))
        assert [jti for jti, times in there.items() if times > 1] == []
        issued, used, of_months = await owner.fetchrow(_COUNTS)
    assert issued == used == of_months
    return seconds


async def _recorded(owner: Any) -> list[str]:
    return [row["jti"] for row in await owner.fetch("SELECT jti::text FROM ledger.issued")]
