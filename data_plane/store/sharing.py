"""What workers and machines share through Redis, where there is one.

The library is an extra, and imported only where REDIS_URL is set.
"""

import asyncio
from collections.abc import Callable

from data_plane.ports import Leases, SharedGuesses


class Sharing:
    """Nothing is shared: each worker keeps to limits by itself."""

    leases: Leases | None = None
    guesses: SharedGuesses | None = None

    async def watch(self) -> None:
        """Run until cancelled."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Let go of what was opened."""


class SharingThroughRedis(Sharing):
    def __init__(self, url: str, observe: Callable[[bool], None]) -> None:
        from data_plane.store.guesses import RedisGuesses  # noqa: PLC0415 - needs the extra
        from data_plane.store.leases import RedisLeases  # noqa: PLC0415
        from data_plane.store.shared_redis import SharedRedis  # noqa: PLC0415

        self._redis = SharedRedis(url, observe)
        observe(True)  # noqa: FBT003 - a gauge's value
        self.leases, self.guesses = RedisLeases(self._redis), RedisGuesses(self._redis)

    async def watch(self) -> None:
        await self._redis.watch()

    async def close(self) -> None:
        await self._redis.close()


def share(url: str | None, observe: Callable[[bool], None]) -> Sharing:
    """Give what REDIS_URL says; `observe` hears whether Redis is used."""
    return Sharing() if url is None else SharingThroughRedis(url, observe)
