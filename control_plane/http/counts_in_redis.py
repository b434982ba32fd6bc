"""Attempts counted in Redis, where there is one: an attempts.SharedCounts."""

from datetime import datetime, timedelta

from shared.runtime.redis_client import RedisAway, RedisClient


class RedisCounts:
    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def count(self, key: bytes, now: datetime, window: timedelta) -> tuple[int, datetime]:
        name = f"auth:attempts:{key.hex()}"
        try:
            async with self._redis.asked() as redis, redis.pipeline() as at_once:
                _ = at_once.set(name, 0, px=window, nx=True)
                _ = at_once.incr(name)
                _ = at_once.pttl(name)
                _, attempts, left = await at_once.execute()
        except RedisAway:
            return 0, now  # what this worker has counted by itself is what holds
        return attempts, now + timedelta(milliseconds=left)
