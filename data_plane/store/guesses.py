"""Wrong secrets in Redis: ten different ones a minute, at all workers together."""

from data_plane.store.shared_redis import SharedRedis
from shared.domain.ids import TenantId

_GUESSES = 10  # different ones, in
_WINDOW = 60  # seconds

_COUNT = """
if redis.call('SCARD', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SADD', KEYS[1], ARGV[1]) end
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return {KEYS[1]}
"""
_LOOK = "return {KEYS[1], redis.call('SCARD', KEYS[1]), redis.call('TTL', KEYS[1])}"


class RedisGuesses:
    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis
        self._count = redis.script(_COUNT)
        self._look = redis.script(_LOOK)

    @property
    def usable(self) -> bool:
        return self._redis.usable

    async def locked_for(self, tenant: TenantId, guesser: bytes) -> int:
        """Tell for how many seconds; `guesser` is a digest."""
        guesses, seconds = await self._redis.run(self._look, _key(tenant, guesser))
        return max(1, seconds) if guesses >= _GUESSES else 0

    async def count(self, tenant: TenantId, guesser: bytes, guess: bytes) -> None:
        await self._redis.run(self._count, _key(tenant, guesser), guess, _GUESSES, _WINDOW)


def _key(tenant: TenantId, guesser: bytes) -> str:
    return f"auth:guesses:{len(tenant)}:{tenant}:{guesser.hex()}"
