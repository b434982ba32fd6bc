"""The statement that records a batch, and a connection of its own to send it on.

The pool's connections are cleaned by a round trip whenever they are given back, and planned anew
for each of many statements; this one sends one statement all its life.
"""

import asyncio
from collections.abc import Sequence
from secrets import randbits
from typing import Any, TypeAlias

import asyncpg
import msgspec

from data_plane.store.batch import Batch, Months, months_of
from data_plane.store.pool import Connection

# A batch that the ledger has already is written no second time: all the rest hangs on its id. The
# index on it makes a replay wait for a first try that is still under way.
# The writer's rows are nobody else's, so that no two writers wait for each other's counts.
# One JSON text for all groups: measured, asyncpg takes 4 µs for each argument and more for arrays.
_RECORD = """
WITH batch AS (
  INSERT INTO ledger.batch VALUES ($1::uuid) ON CONFLICT DO NOTHING RETURNING id
), given AS MATERIALIZED (
  SELECT g.*, to_timestamp($2::int / 60 * 3600) AS hour,
    to_char(to_timestamp($2::int / 60 * 3600) AT TIME ZONE 'UTC', 'YYYY-MM') AS month
  FROM batch, json_to_recordset($3::json) AS g
    (tenant text, account text, client_id text, api text, lifetime int, jtis uuid[])
), issued AS (
  INSERT INTO ledger.issued (jti, lifetime, tenant, client_id)
  SELECT jti, lifetime, tenant, client_id FROM given, unnest(jtis) AS jti
), counted AS (
  INSERT INTO ledger.usage AS held (hour, minutes, count, writer, tenant, client_id, api, event)
  SELECT hour, 1::bigint << $2::int % 60, sum(cardinality(jtis)), $4,
    tenant, client_id, api, 'issued'
  FROM given GROUP BY hour, tenant, client_id, api
  ON CONFLICT (tenant, hour, client_id, api, event, writer) DO UPDATE
  SET count = held.count + excluded.count, minutes = held.minutes | excluded.minutes
), months AS (
  INSERT INTO ledger.account_month AS held (account, month, writer, issued)
  SELECT account, month, $4, sum(cardinality(jtis)) FROM given GROUP BY account, month
  ON CONFLICT (account, month, writer) DO UPDATE SET issued = held.issued + excluded.issued
  RETURNING account, month, issued
)
SELECT account, month, issued + coalesce((
  SELECT sum(other.issued) FROM ledger.account_month other
  WHERE (other.account, other.month) = (months.account, months.month) AND other.writer <> $4
), 0)::bigint FROM months
"""
MONTHS = """
SELECT account, month, sum(issued)::bigint FROM ledger.account_month
WHERE (account, month) IN (SELECT * FROM unnest($1::text[], $2::text[])) GROUP BY account, month
"""

# What PostgreSQL will never take, whenever it is asked: a day without a partition, say, from a
# clock that is days off.
NEVER_TAKEN = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)

_encode = msgspec.json.Encoder().encode
_Statement: TypeAlias = "asyncpg.prepared_stmt.PreparedStatement[Any]"


class Recorder:
    """Connects when it is first needed, and anew after every fault. One call at a time."""

    def __init__(self, url: str, patience: float) -> None:
        """`patience`: seconds a call may take, and with them the connecting."""
        self._url = url
        self._patience = patience
        self._connection: Connection | None = None
        self._statement: _Statement | None = None
        self._writer = 0

    async def record(self, batch: Batch) -> Months:
        """Commit the batch; give its accounts' totals. Raises one of DOWN, or a PostgresError.

        After an error it may be committed all the same. Empty where it had been before.
        """
        try:
            async with asyncio.timeout(self._patience):
                statement = await self._prepared()
                rows = await statement.fetch(*self._arguments(batch))
        except BaseException:
            self.close()
            raise
        return {(account, month): issued for account, month, issued in rows}

    async def record_all(self, batches: Sequence[Batch]) -> Months:
        """Commit at once all that had not been before; give the totals, and raise as `record`."""
        try:
            async with asyncio.timeout(self._patience):
                statement = await self._prepared()
                await statement.executemany([self._arguments(each) for each in batches])
                return await self._months(months_of(batches))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Cut the connection: nobody waits for a server that may be gone."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = self._statement = None

    async def _prepared(self) -> _Statement:
        if self._statement is not None and self._connection is not None:
            if not self._connection.is_closed():
                return self._statement
            self.close()
        connection = self._connection = await asyncpg.connect(
            self._url,
            statement_cache_size=8,
            server_settings={
                "statement_timeout": f"{int(self._patience * 4000)}ms",  # its sender is gone then
                "plan_cache_mode": "force_generic_plan",
            },
        )
        self._writer = randbits(31)
        self._statement = await connection.prepare(_RECORD)
        return self._statement

    def _arguments(self, batch: Batch) -> tuple[str, int, str, int]:
        return batch.id, batch.minute, _encode(batch.groups).decode(), self._writer

    async def _months(self, keys: Months) -> Months:
        assert self._connection is not None  # noqa: S101 - open, or we would not be here
        rows = await self._connection.fetch(
            MONTHS, [account for account, _ in keys], [month for _, month in keys]
        )
        return {(account, month): issued for account, month, issued in rows}
