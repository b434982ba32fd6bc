"""How long a page of the list of clients takes, of the largest tenant there may be.

    python -m tests.benchmarks.list_of_clients [CLIENTS]

2,500 clients, most of which ask every hour of 31 days, are 1.8 million rows of hours. It runs a
PostgreSQL of its own and ends by itself in some minutes.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.actions import list_client_page
from control_plane.clients.listing import Wanted
from control_plane.clients.rules import ClientOrder
from control_plane.usage.actions import roll_up_days
from control_plane.usage.months import begin_of
from shared.domain.ids import schema_of
from tests.benchmarks.ledger_at_ten_million import timed
from tests.conftest import new_installation, run_postgres
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

_CLIENTS = 2_500
_RUNS = 11
_IDLE = 50  # one of so many asks for nothing

_ADD = """
WITH made AS (
  INSERT INTO client (client_id, name, created_at)
  SELECT 'c_' || substr(md5(n::text), 1, 16), 'worker ' || n,
    now() - interval '1 day' * (40 + n % 300)
  FROM generate_series(1, $1::int) n RETURNING client_id
)
INSERT INTO client_secret (digest, client_id, pepper_id, last_four, name, created_by)
SELECT sha256((client_id || n)::bytea), client_id, 'p', 'abcd', 'secret ' || n, 'benchmark'
FROM made, generate_series(1, 2) n
"""
_HOURS = """
INSERT INTO ledger.usage (hour, minutes, count, writer, tenant, client_id, api, event)
SELECT hour, 1, 1 + n % 7, 1, $1, 'c_' || substr(md5(n::text), 1, 16),
  'https://api-' || n % 20 || '.example', 'issued'
FROM generate_series($2::timestamptz, now(), '1 hour') AS hour, generate_series(1, $3::int) AS n
WHERE n % $4 > 0
"""


async def measure(installation: Installation, clients: int) -> None:
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute("SET timezone = 'UTC'")
    today = datetime.now(UTC).date()
    first = today - timedelta(days=31)
    async with opened(installation.control_url) as database:
        tenant = await add_bare_tenant(database)
        await owner.execute(f'SET search_path = "{schema_of(tenant)}"')
        await owner.execute(_ADD, clients)
        for month in {first.replace(day=1), today.replace(day=1)}:
            await owner.execute("SELECT ledger.make_month('usage', $1)", month)
        await owner.execute(_HOURS, tenant, begin_of(first), clients, _IDLE)
        await owner.execute("UPDATE ledger.rolled_up SET until = $1", begin_of(first))
        await roll_up_days(database, today)
        # the jobs look once an hour, and leave the last minutes out: so much is left at most
        await owner.execute("UPDATE ledger.rolled_up SET until = until - interval '1 hour'")
        await owner.execute("VACUUM ANALYZE")
        rows = await owner.fetchval("SELECT count(*) FROM ledger.usage")
        print(f"{clients} clients, {rows} rows of hours")  # noqa: T201
        for name, wanted, number in (
            ("by name", Wanted(), 1),
            ("by last use", Wanted(order=ClientOrder.USED), 1),
            ("page 100", Wanted(), 100),
            ("those that are found by a name", Wanted(search="er 77"), 1),
            ("those without a token", Wanted(unused=True), 1),
        ):

            async def page(wanted: Wanted = wanted, number: int = number) -> Any:
                return (await list_client_page(database, tenant, wanted, number)).rows

            await timed(name, page)
            with noted_statements() as statements:
                await page()
            async with database.tenant(tenant) as connection:
                print(f"  in the server {await server_time(connection, statements):.1f} ms")  # noqa: T201
    await owner.close()


@contextmanager
def noted_statements() -> Iterator[list[tuple[str, Any]]]:
    """Note what is asked of the database, as it goes to the driver."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "client" in statement:
            noted.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def server_time(connection: AsyncConnection, statements: list[tuple[str, Any]]) -> float:
    """Plan and execute each in the server, at best: what else the machine does only adds to it."""
    total = 0.0
    for statement, parameters in statements:
        found = []
        for _ in range(_RUNS):
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
            plan = (await connection.exec_driver_sql(explain, parameters)).scalar_one()[0]
            found.append(plan["Planning Time"] + plan["Execution Time"])
        total += min(found)
    return total


if __name__ == "__main__":
    with run_postgres() as server:
        given = int(sys.argv[1]) if sys.argv[1:] else _CLIENTS
        asyncio.run(measure(new_installation(server.url), given))
