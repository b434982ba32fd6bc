"""The ledger at ten million tokens: octets a token on disk; look-ups, and dropping a day.

    python -m tests.benchmarks.ledger_at_ten_million [TOKENS]

It runs a PostgreSQL of its own, in memory where there is room, and ends by itself in some minutes.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from control_plane.usage import actions
from shared.domain.ids import TenantId, role_of
from shared.runtime.database import Database
from tests.conftest import new_installation, run_postgres
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

_TOKENS = 10_000_000
_OF_SIZES = 1_000_000
_DAYS = 2  # over which they are spread, the last of which is today
_RUNS = 21
_BUSY, _QUIET = "c_busy000000000000", "c_quiet00000000000"

# A half of all tokens is the busy client's, two are the quiet one's, 2,000 clients share the rest.
_ISSUE = """
INSERT INTO ledger.issued (jti, lifetime, tenant, client_id)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid, 3600, $1,
  CASE WHEN n IN (7, $2 / 2) THEN $4 WHEN n % 2 = 0 THEN $3
       ELSE 'c_' || substr(md5((n % 4000)::text), 1, 16) END
FROM generate_series($5::int, $6::int) n,
  LATERAL (SELECT now() - interval '1 day' * $7 * (1 - n::float / $2) AS at) t
"""
_COUNT = """
INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)
SELECT date_trunc('hour', at), bit_or(1::bigint << extract(minute FROM at)::int), count(*), 1,
  tenant, client_id, 'https://api.acme.example', 'issued'
FROM ledger.issued, LATERAL (
  SELECT to_timestamp(
    ('x0000' || left(replace(jti::text, '-', ''), 12))::bit(64)::bigint / 1000.0) AS at
) t GROUP BY tenant, client_id, date_trunc('hour', at)
"""
_SIZES = """
SELECT sum(pg_total_relation_size(relid)), sum(pg_relation_size(relid))
FROM pg_partition_tree('ledger.' || $1) WHERE isleaf
"""


async def fill(owner: Any, tenant: TenantId, tokens: int) -> None:
    step = 500_000
    for first in range(1, tokens + 1, step):
        last = min(first + step - 1, tokens)
        await owner.execute(_ISSUE, tenant, tokens, _BUSY, _QUIET, first, last, float(_DAYS))
    await owner.execute(_COUNT)
    await owner.execute("VACUUM ANALYZE ledger.issued")
    await owner.execute("VACUUM ANALYZE ledger.usage")


async def sizes(owner: Any) -> None:
    """Measure the worst case, each token of another client, and the best, all of one."""
    for clients, name in ((_OF_SIZES, "each of another client"), (1, "all of one client")):
        await owner.execute(
            "INSERT INTO ledger.issued SELECT"
            " (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7'"
            " || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid, 3600,"
            " 'aaaaaaaaaaaaa', 'c_' || substr(md5((n % $2)::text), 1, 16)"
            " FROM generate_series(1, $1) n",
            _OF_SIZES,
            clients,
        )
        await owner.execute("VACUUM ledger.issued")
        await owner.execute(_COUNT)
        empty = 40 * 2**10 * 9  # octets of the other days' empty partitions
        for table in ("issued", "usage"):
            total, _ = await owner.fetchrow(_SIZES, table)
            rows = await owner.fetchval(f"SELECT count(*) FROM ledger.{table}")  # noqa: S608 - two names of ours
            octets = (total - empty) / _OF_SIZES
            print(f"{name}: {octets:.1f} octets a token in ledger.{table} ({rows} rows)")  # noqa: T201
        await owner.execute("TRUNCATE ledger.issued, ledger.usage")


async def timed(name: str, work: Callable[[], Awaitable[Any]]) -> None:
    seconds = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        found = await work()
        seconds.append(time.perf_counter() - start)
    entries = len(found) if isinstance(found, list) else 1
    median, best, worst = (find(seconds) * 1e3 for find in (statistics.median, min, max))
    runs = f"of {_RUNS}: {best:.1f} to {worst:.1f}"
    print(f"{name}: {median:.1f} ms ({runs}), {entries} found")  # noqa: T201


async def look_up(database: Database, owner: Any, tenant: TenantId) -> None:
    jti = str(await owner.fetchval("SELECT jti FROM ledger.issued TABLESAMPLE SYSTEM (1) LIMIT 1"))
    month = time.strftime("%Y-%m", time.gmtime())
    await timed("by jti", lambda: actions.find_token(database, tenant, jti))
    for name, client in (("busy", _BUSY), ("quiet", _QUIET), ("no", "c_none"), ("any", None)):

        async def page(client: str | None = client) -> Any:
            return await actions.list_log(database, tenant, client_id=client, limit=50)

        await timed(f"log of {name} client, 50 entries", page)
    await timed("usage of the month", lambda: actions.list_usage(database, tenant, month))
    await explain(owner, tenant, f"SELECT * FROM ledger.issued WHERE jti = '{jti}'")  # noqa: S608 - our own


async def drop(owner: Any) -> None:
    """Have retention take all days but this one."""
    while True:
        start = time.perf_counter()
        name = await owner.fetchval("SELECT ledger.drop_partition('issued', current_date)")
        if name is None:
            return
        print(f"{name} dropped: {(time.perf_counter() - start) * 1e3:.1f} ms")  # noqa: T201


async def explain(owner: Any, tenant: TenantId, query: str) -> None:
    async with owner.transaction():
        await owner.execute(f'SET LOCAL ROLE "{role_of(tenant)}"')
        for row in await owner.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {query}"):
            print("  ", row[0])  # noqa: T201


async def measure(installation: Installation, tokens: int) -> None:
    owner = await asyncpg.connect(installation.owner_url)
    async with opened(installation.control_url) as database:
        tenant = await add_bare_tenant(database)
        for day in range(_DAYS + 2):
            await owner.execute(
                "SELECT ledger.make_day('issued', current_date - $1::int),"
                " ledger.make_month('usage', date_trunc('month', current_date - $1::int)::date)",
                day,
            )
        await sizes(owner)
        start = time.monotonic()
        await fill(owner, tenant, tokens)
        print(f"{tokens} tokens made in {time.monotonic() - start:.0f} s")  # noqa: T201
        found = await owner.fetchrow(_SIZES, "issued")
        assert found is not None
        print(f"{found[0] / tokens:.1f} octets a token in ledger.issued")  # noqa: T201
        await look_up(database, owner, tenant)
        await drop(owner)
    await owner.close()


if __name__ == "__main__":
    with run_postgres() as server:
        given = int(sys.argv[1]) if sys.argv[1:] else _TOKENS
        asyncio.run(measure(new_installation(server.url), given))
