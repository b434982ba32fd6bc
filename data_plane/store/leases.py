"""Rate limits in Redis: workers take from a tenant's or a client's bucket what they lease."""

from data_plane.ports import Lease
from data_plane.store.shared_redis import SharedRedis
from shared.domain.ids import TenantId
from shared.domain.limits import Rate

# The bucket of shared.domain.bucket, by the clock of Redis alone. A request costs a million, and
# each microsecond pays back the rate, so all numbers are whole. A bucket that is full again is
# forgotten. A clock that goes back pays nothing back, and takes nothing either.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local rate, burst, most = tonumber(ARGV[2]), ARGV[3] * 1000000, tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 'tenant', 'used', 'at')
if held[1] and held[1] ~= ARGV[1] then
  return redis.error_reply('ERR the limit is of another tenant')
end
local used = math.min(tonumber(held[2] or 0), burst)
used = math.max(0, used - math.max(0, now - tonumber(held[3] or now)) * rate)
local granted = math.min(most, math.floor((burst - used) / 1000000))
used = used + granted * 1000000
redis.call('HSET', KEYS[1], 'tenant', ARGV[1],
  'used', string.format('%.0f', used), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(used / rate / 1000) + 1000)
local wait = 0
if granted == 0 then wait = math.ceil((used + 1000000 - burst) / rate) end
return {KEYS[1], granted, math.floor((burst - used) / 1000000), wait}
"""

_MICROSECOND = 1_000  # nanoseconds


class RedisLeases:
    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis
        self._take = redis.script(_TAKE)

    @property
    def usable(self) -> bool:
        return self._redis.usable

    async def take(self, tenant: TenantId, client_id: str, rate: Rate, most: int) -> Lease:
        key = f"auth:rate:{len(tenant)}:{tenant}:{len(client_id)}:{client_id}"
        granted, left, wait = await self._redis.run(
            self._take, key, tenant, rate.per_second, rate.burst, most
        )
        return Lease(granted, left, wait * _MICROSECOND)
