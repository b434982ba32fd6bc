"""Redis as the console uses it. An extra: imported only where REDIS_URL is set.

Nobody waits for it longer than half a second. Once it did not answer it is not asked for a second:
else the requests that wait for it would hold every connection to the database.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as CannotConnect
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as DidNotAnswer

_CONNECTIONS = 16
_PATIENCE = 0.5  # seconds
_REST = 1.0  # seconds
_SILENT = (CannotConnect, DidNotAnswer, OSError)


class RedisAway(Exception):
    """It does not answer, or does not do what it is asked."""


class RedisClient:
    def __init__(self, url: str) -> None:
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            # once, for a connection that its end was not heard of
            retry=Retry(NoBackoff(), 1, supported_errors=(CannotConnect,)),
        )
        self._redis = Redis(connection_pool=self._pool)
        self._rests_until = 0.0

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Redis]:
        """Raises RedisAway."""
        if time.monotonic() < self._rests_until:
            raise RedisAway("Redis did not answer within the last second")
        try:
            yield self._redis
        except _SILENT as error:
            self._rests_until = time.monotonic() + _REST
            raise RedisAway(f"{type(error).__name__}: {error}") from error
        except RedisError as error:  # full, or a replica, or not ours to use
            raise RedisAway(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()
