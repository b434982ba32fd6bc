"""Usage but for the tokens, whose counts move with their records; and the refusals beside it."""

import asyncio
import logging
import time
from bisect import bisect_left
from secrets import randbits

import asyncpg
import msgspec

from data_plane.ports import RefusedRequest
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from data_plane.store.recorder import NEVER_TAKEN
from data_plane.store.refusals import NotedRefusals
from shared.domain.ids import ClientId, TenantId, uuid7
from shared.domain.latency import ENDS, EVENTS
from shared.runtime.logs import fields

_MAXIMUM_KEPT = 50_000  # counters; beyond it new ones are not begun until the next flush
_MAXIMUM_TIMED = 5_000  # tenants; the same of their latencies
_HOUR = 3600  # seconds

# As the ledger's own statement: what was written before, under this id, is written no second time.
_WRITE = """
WITH batch AS (
  INSERT INTO ledger.batch VALUES ($1::uuid) ON CONFLICT DO NOTHING RETURNING id
), counted AS (
  INSERT INTO ledger.usage AS held (hour, minutes, count, writer, tenant, client_id, api, event)
  SELECT to_timestamp(hour * 3600), 0, count, $2, tenant, client_id, api, event
  FROM batch, json_to_recordset($3::json) AS g
    (tenant text, client_id text, api text, event text, hour int, count int)
  ON CONFLICT (tenant, hour, client_id, api, event, writer) DO UPDATE
  SET count = held.count + excluded.count
)
INSERT INTO ledger.refused (id, tenant, client_id, endpoint, error, reason, address, request_id)
SELECT g.* FROM batch, json_to_recordset($4::json) AS g
  (id uuid, tenant text, client_id text, endpoint text, error text, reason text, address text,
   request_id text)
"""

_log = logging.getLogger("data_plane")
_encode = msgspec.json.Encoder().encode


class _Counted(msgspec.Struct, frozen=True, kw_only=True):
    tenant: TenantId
    client_id: ClientId
    api: str
    event: str
    hour: int  # since the epoch
    count: int


class _Refused(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    tenant: TenantId
    client_id: str
    endpoint: str
    error: str
    reason: str
    address: str
    request_id: str


class StoredUsage:
    def __init__(self, pool: Pool, refusals: NotedRefusals) -> None:
        self._pool = pool
        self._refusals = refusals
        self._counts: dict[tuple[TenantId, ClientId, str, str, int], int] = {}
        self._latencies: dict[TenantId, list[int]] = {}  # a count for each step
        self._writer = randbits(31)
        self._unwritten: tuple[str, str, str] | None = None  # batch, counts, refusals
        self._writing = asyncio.Lock()

    def count(self, tenant: TenantId, client_id: ClientId, api: str, event: str) -> None:
        key = tenant, client_id, api, event, int(time.time()) // _HOUR
        held = self._counts.get(key, 0)
        if held or len(self._counts) < _MAXIMUM_KEPT:
            self._counts[key] = held + 1

    def took(self, tenant: TenantId, seconds: float) -> None:
        """Count how long a token took from its request to its answer."""
        steps = self._latencies.get(tenant)
        if steps is None:
            if len(self._latencies) >= _MAXIMUM_TIMED:
                return
            steps = self._latencies[tenant] = [0] * len(EVENTS)
        steps[bisect_left(ENDS, seconds)] += 1

    async def flush(self) -> None:
        """Write what was counted and noted. Raises TemporarilyUnavailable, and keeps it then."""
        async with self._writing:
            if self._unwritten is not None:
                await self._write(self._unwritten)
            self._count_latencies()
            counts, self._counts = self._counts, {}
            refusals = self._refusals.take()
            if counts or refusals:
                self._unwritten = (
                    _new_id(int(time.time() * 1000)),
                    _encode([_counted(*key, count) for key, count in counts.items()]).decode(),
                    _encode([_refused(each) for each in refusals]).decode(),
                )
                await self._write(self._unwritten)

    def _count_latencies(self) -> None:
        """Put them among the other counts, of the hour in which they are written."""
        latencies, self._latencies = self._latencies, {}
        hour = int(time.time()) // _HOUR
        for tenant, steps in latencies.items():
            for event, count in zip(EVENTS, steps, strict=True):
                if count:
                    self._counts[tenant, ClientId(""), "", event, hour] = count

    async def _write(self, unwritten: tuple[str, str, str]) -> None:
        batch, counts, refusals = unwritten
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_WRITE, batch, self._writer, counts, refusals)
        except NEVER_TAKEN as error:
            _log.error("usage that the ledger never takes", extra=fields(cause=str(error)))
        except asyncpg.PostgresError as error:
            raise TemporarilyUnavailable("usage cannot be written") from error
        self._unwritten = None


def _counted(
    tenant: TenantId, client_id: ClientId, api: str, event: str, hour: int, count: int
) -> _Counted:
    return _Counted(
        tenant=tenant, client_id=client_id, api=api, event=event, hour=hour, count=count
    )


def _refused(refused: RefusedRequest) -> _Refused:
    return _Refused(
        id=_new_id(refused.at_ms),
        tenant=refused.tenant,
        client_id=refused.client_id,
        endpoint=refused.endpoint,
        error=refused.error,
        reason=refused.reason,
        address=refused.address,
        request_id=refused.request_id,
    )


def _new_id(at_ms: int) -> str:
    return str(uuid7(at_ms, randbits(74)))
