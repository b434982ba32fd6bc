"""How long a month of usage and a search of the log take, of the largest tenant there may be.

    python -m tests.benchmarks.usage_of_a_month [CLIENTS]

2,500 clients that ask every hour of 31 days are 1.9 million rows of hours; and 300,000 requests
were refused. It runs a PostgreSQL of its own and ends by itself in some minutes.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from control_plane.usage import actions, months, repository
from control_plane.usage.months import Span
from control_plane.usage.rules import FIRST_ID, LAST_ID, Sought, Window
from shared.domain.ids import TenantId
from shared.runtime.database import Database
from tests.benchmarks.ledger_at_ten_million import timed
from tests.conftest import new_installation, run_postgres
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

_CLIENTS = 2_500
_REFUSALS = 300_000

_HOURS = """
INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)
SELECT hour, 1, 1 + n % 7, 1, $1, 'c_' || substr(md5(n::text), 1, 16),
  'https://api-' || n % 20 || '.example', 'issued'
FROM generate_series($2::date::timestamptz, $3::date::timestamptz - interval '1 hour', '1 hour')
  AS hour, generate_series(1, $4::int) AS n
"""
_REFUSE = """
INSERT INTO ledger.refused (id, tenant, client_id, endpoint, error, reason, address, request_id)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
  $1, 'c_' || substr(md5((n % 2500)::text), 1, 16), 'oauth/token', 'invalid_scope',
  'the client is not granted every scope it asked for', '192.0.2.' || n % 250, md5(n::text)
FROM generate_series(1, $2::int) n,
  LATERAL (SELECT now() - interval '1 day' * (1 - n::float / $2) AS at) t
"""


async def measure(installation: Installation, clients: int) -> None:
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute("SET timezone = 'UTC'")
    following = datetime.now(UTC).date().replace(day=1)
    first = (following - timedelta(days=1)).replace(day=1)
    async with opened(installation.control_url) as database:
        tenant = await add_bare_tenant(database)
        await owner.execute("SELECT ledger.make_month('usage', $1)", first)
        await owner.execute(_HOURS, tenant, first, following, clients)
        await owner.execute(_REFUSE, tenant, _REFUSALS)
        await owner.execute("UPDATE ledger.rolled_up SET until = $1", months.begin_of(first))
        await owner.execute("VACUUM ANALYZE")
        rows = await owner.fetchval("SELECT count(*) FROM ledger.usage")
        print(f"{rows} rows of hours; {_REFUSALS} refusals")  # noqa: T201
        start = time.perf_counter()
        async with database.tenant(tenant) as connection:
            by = ("day", "api", "event")
            await repository.sum_usage(connection, Span(first, following), by, {})
        print(f"the month by day, API and event, of hours: {time.perf_counter() - start:.1f} s")  # noqa: T201
        start = time.perf_counter()
        await actions.roll_up_days(database, datetime.now(UTC).date())
        print(f"rolled up in {time.perf_counter() - start:.1f} s")  # noqa: T201
        await owner.execute("VACUUM ANALYZE")
        await look_up(database, tenant, f"{first:%Y-%m}")
        await search(database, owner, tenant)
    await owner.close()


async def look_up(database: Database, tenant: TenantId, month: str) -> None:
    span = months.month_span(month)
    for by, limit in ((("day", "api", "event"), None), (("client_id",), 20)):

        async def totals(by: tuple[str, ...] = by, limit: int | None = limit) -> Any:
            async with database.tenant(tenant) as connection:
                where = {} if "event" in by else {"event": ["issued"]}
                return await repository.sum_usage(connection, span, by, where, limit)

        await timed(f"the month by {' and '.join(by)}", totals)

    async def whole() -> Any:
        async with database.tenant(tenant) as connection:
            return await actions.month_usage(connection, month)

    async def eager() -> Any:
        async with database.tenant(tenant) as connection:
            return await actions.eager_clients(connection, month, span.following)

    await timed("the whole page of the month", whole)
    await timed("those who ask too often", eager)


async def search(database: Database, owner: Any, tenant: TenantId) -> None:
    request_id = await owner.fetchval("SELECT request_id FROM ledger.refused ORDER BY id LIMIT 1")
    for name, sought in (
        ("everything", Sought()),
        ("one client", Sought(client_id="c_c4ca4238a0b92382")),
        ("one address", Sought(address="192.0.2.7")),
        ("no such request id", Sought(request_id="none")),
        ("the oldest request id", Sought(request_id=request_id)),
    ):

        async def page(sought: Sought = sought) -> Any:
            window = Window(FIRST_ID, LAST_ID)
            return (await actions.search_log(database, tenant, sought, window, 50)).entries

        await timed(f"a page of the log, {name}", page)


if __name__ == "__main__":
    with run_postgres() as server:
        given = int(sys.argv[1]) if sys.argv[1:] else _CLIENTS
        asyncio.run(measure(new_installation(server.url), given))
