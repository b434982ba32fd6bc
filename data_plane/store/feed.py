"""The feed: what was published and revoked since the last look, for all tenants by two queries.

Rows carry the id of the transaction that wrote them. Each look starts at the oldest transaction
that was still running at the look before, so a row that commits late is not lost, as it would be
with a growing number (decision 0003).
"""

from collections.abc import Callable

import asyncpg
import msgspec

from data_plane.ports import News
from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import DOWN, Connection
from data_plane.store.revoked import revocations_since
from data_plane.store.snapshots import published_since, snapshots_of
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot
from shared.runtime import doorbell

_PATIENCE = 2  # seconds

# A table that is not as we know it, or a snapshot that we cannot read, must not end the following:
# it is tried again, and said aloud.
_TROUBLE = (*DOWN, asyncpg.PostgresError, msgspec.MsgspecError)

_OLDEST_RUNNING = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"


class PublishedFeed:
    """One connection, which listens to the doorbell and reads the news."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._since: int | None = None  # transaction id; None: nothing is held yet

    async def open(self, ring: Callable[[], None]) -> None:
        try:
            connection = await asyncpg.connect(
                self._url, timeout=_PATIENCE, command_timeout=_PATIENCE
            )
            await connection.add_listener(doorbell.CHANNEL, lambda *_: ring())
            connection.add_termination_listener(lambda _: ring())
        except _TROUBLE as error:
            raise TemporarilyUnavailable("the feed cannot be read") from error
        self._connection = connection

    async def news(self) -> News:
        connection = self._opened()
        try:
            oldest_running = int(await connection.fetchval(_OLDEST_RUNNING))
            since = oldest_running if self._since is None else self._since
            if since > oldest_running:  # another database: it was restored, and counts anew
                since = 0
            published = await published_since(connection, str(since))
            revoked = await revocations_since(connection, str(since))
        except _TROUBLE as error:
            raise TemporarilyUnavailable("the feed cannot be read") from error
        self._since = oldest_running
        return News(published, revoked)

    async def snapshots(self, tenants: list[TenantId]) -> list[IssuerSnapshot]:
        try:
            return await snapshots_of(self._opened(), tenants)
        except _TROUBLE as error:
            raise TemporarilyUnavailable("the feed cannot be read") from error

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()

    def _opened(self) -> Connection:
        if self._connection is None:
            raise TemporarilyUnavailable("the feed is not open")
        return self._connection
