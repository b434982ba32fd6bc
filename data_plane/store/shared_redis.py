"""The Redis that workers and machines share, and what is done while it does not answer.

Only limits are in it: losing all of it loses no revocation, no token and nothing that was spent.
Nothing waits for it longer than a fortieth of a second. Whoever finds that it does not answer
closes it for everybody; it is tried again each second, beside the requests.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from data_plane.protocol.errors import TemporarilyUnavailable
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_CONNECTIONS = 8
_PATIENCE = 0.025  # seconds
_TRY = 1.0  # seconds that it is tried for, and between two tries
_PROBE = "auth:probe"

_DOWN = (RedisError, OSError, TimeoutError)


class SharedRedis:
    """One for each worker; `watch` runs beside the requests until it is cancelled."""

    def __init__(
        self, url: str, observe: Callable[[bool], None], *, patience: float = _PATIENCE
    ) -> None:
        """`observe` hears whether it is used."""
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=patience,
            socket_timeout=_TRY,
            socket_connect_timeout=_TRY,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=self._pool)
        self._observe = observe
        self._patience = patience
        self._gone = asyncio.Event()
        self.usable = True

    def script(self, text: str) -> AsyncScript:
        return self._redis.register_script(text)

    async def run(self, script: AsyncScript, key: str, *arguments: str | int | bytes) -> list[Any]:
        """Run a script, which answers with the key and more; give what is more.

        Raises TemporarilyUnavailable, within the patience.
        """
        if not self.usable:
            raise TemporarilyUnavailable("the shared limits do not answer")
        try:
            async with asyncio.timeout(self._patience):
                answer: list[Any] = await script(keys=[key], args=arguments)
        except _DOWN as error:
            self._give_up(error)
            raise TemporarilyUnavailable("the shared limits do not answer") from error
        if answer[0] != key.encode():  # an answer to another's question (hostile inputs, F5)
            self._give_up(ValueError("the answer is to another question"))
            raise TemporarilyUnavailable("the shared limits do not answer")
        return answer[1:]

    async def watch(self) -> None:
        """Try again each second while it is given up."""
        while True:
            await self._gone.wait()
            await asyncio.sleep(_TRY)
            if await self._answers():
                self._gone.clear()
                self.usable = True
                self._observe(True)  # noqa: FBT003 - a gauge's value
                _log.warning("limits are shared through Redis again")

    async def close(self) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()

    async def _answers(self) -> bool:
        """Tell whether it takes a write within the time, over a new connection."""
        try:
            async with asyncio.timeout(_TRY):
                await self._pool.disconnect(inuse_connections=False)
                return bool(await self._redis.set(_PROBE, "1", px=1_000))
        except _DOWN:
            return False

    def _give_up(self, error: Exception) -> None:
        if self.usable:
            self.usable = False
            self._gone.set()
            self._observe(False)  # noqa: FBT003 - a gauge's value
            cause = fields(cause=f"{type(error).__name__}: {error}".splitlines()[0])
            _log.warning(
                "Redis does not answer: each worker keeps to limits by itself", extra=cause
            )
