"""Attempts counted in PostgreSQL, where there is no Redis: an attempts.SharedCounts."""

from datetime import datetime, timedelta

from sqlalchemy import text

from shared.runtime.database import Database

# Each attempt takes two away that are over, so that no more rows are there than windows last.
_COUNT = text("""
WITH over AS (
  DELETE FROM control.attempt WHERE key IN (
    SELECT key FROM control.attempt WHERE ends_at <= :now AND key <> :key
    ORDER BY ends_at LIMIT 2 FOR UPDATE SKIP LOCKED
  )
)
INSERT INTO control.attempt AS held (key, ends_at, attempts) VALUES (:key, :ends_at, 1)
ON CONFLICT (key) DO UPDATE SET
  attempts = CASE WHEN held.ends_at <= :now THEN 1 ELSE held.attempts + 1 END,
  ends_at = CASE WHEN held.ends_at <= :now THEN excluded.ends_at ELSE held.ends_at END
RETURNING attempts, ends_at
""")


class DatabaseCounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, key: bytes, now: datetime, window: timedelta) -> tuple[int, datetime]:
        values = {"key": key, "now": now, "ends_at": now + window}
        async with self._database.control() as connection:
            row = (await connection.execute(_COUNT, values)).one()
        return row.attempts, row.ends_at
