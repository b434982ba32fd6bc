"""What there is of tenants in a database, to be compared before and after."""

import asyncio
import time
from typing import Any

from tests.support import Installation

_PATIENCE = 60.0  # seconds

_STATE = """
SELECT ARRAY(SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 't\\_%' ORDER BY 1),
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'r\\_%' ORDER BY 1),
       ARRAY(SELECT id FROM control.tenant ORDER BY 1),
       ARRAY(SELECT tenant_id FROM control.issuer_snapshot ORDER BY 1)
"""

Connection = Any  # asyncpg's own, or a proxy of it
State = tuple[list[str], ...]


async def state(owner: Connection) -> State:
    """What there is of schemas, roles, tenants and snapshots."""
    row = await owner.fetchrow(_STATE)
    assert row is not None
    return tuple(row)


def news(before: State, after: State) -> set[frozenset[str]]:
    """What was added to each, without the prefixes of schemas and roles."""
    return {
        frozenset(name.removeprefix("t_").removeprefix("r_") for name in set(now) - set(then))
        for then, now in zip(before, after, strict=True)
    }


async def settle(owner: Connection, own: Installation) -> None:
    """Wait until no transaction of the control plane's login is open."""
    login = own.control_url.partition("//")[2].partition(":")[0]
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND xact_start IS NOT NULL"
    end = time.monotonic() + _PATIENCE
    while await owner.fetchval(query, login):
        assert time.monotonic() < end, "a transaction stays open"
        await asyncio.sleep(0.002)
