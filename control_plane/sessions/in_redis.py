"""Sessions in Redis, where REDIS_URL names one. Nothing else is lost with all of it.

A person's sessions are the fields of one hash, by the digests of their tokens, so that ending them
all is one command, whatever Redis has evicted. `auth:session:<digest>` says whose hash to look in.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.sessions.rules import LIFETIMES, Session, SessionsAway
from shared.runtime.redis_client import RedisAway, RedisClient

_MOST_LISTED = 100
_LONGEST = max(each.absolute for each in LIFETIMES.values())
_CHANGE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
"""


class _Kept(msgspec.Struct, frozen=True):
    digest: bytes  # that it is asked by: an answer to another's question would be seen
    session: Session


class RedisSessions:
    """An actions.SessionStore; the caller's transaction is none of Redis' business."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def add_session(self, _connection: AsyncConnection, digest: bytes, new: Session) -> None:
        key = _of_person(new.person_id)
        await self._remove_where(new.person_id, lambda each: not each.session.lives(new.created_at))
        async with self._asked() as redis, redis.pipeline() as all_or_none:
            _ = all_or_none.set(_by(digest), new.person_id, exat=int(new.ends_at.timestamp()))
            _ = all_or_none.hset(key, digest, _kept(digest, new))
            _ = all_or_none.expire(key, _LONGEST)
            await all_or_none.execute()

    async def find_session(self, _connection: AsyncConnection, digest: bytes) -> Session | None:
        return await self._find(digest)

    async def sessions_of(self, _connection: AsyncConnection, person_id: str) -> list[Session]:
        held = [each.session for each in await self._of(person_id)]
        return sorted(held, key=lambda each: each.seen_at, reverse=True)[:_MOST_LISTED]

    async def note_use(self, _connection: AsyncConnection, digest: bytes, now: datetime) -> None:
        held = await self._find(digest)
        if held is not None:
            seen = _kept(digest, msgspec.structs.replace(held, seen_at=now))
            async with self._asked() as redis:
                await redis.eval(_CHANGE, 1, _of_person(held.person_id), digest, seen)

    async def remove_session(self, _connection: AsyncConnection, digest: bytes) -> None:
        held = await self._find(digest)
        if held is not None:
            async with self._asked() as redis:
                await redis.hdel(_of_person(held.person_id), digest)
                await redis.delete(_by(digest))

    async def remove_by_public_id(
        self, _connection: AsyncConnection, person_id: str, public_id: str
    ) -> bool:
        removed = await self._remove_where(
            person_id, lambda each: each.session.public_id == public_id
        )
        return removed > 0

    async def remove_sessions_of(
        self, _connection: AsyncConnection, person_id: str, but: bytes = b""
    ) -> None:
        await self._remove_where(person_id, lambda each: each.digest != but)

    async def remove_sessions_in(
        self, _connection: AsyncConnection, person_id: str, account_id: str
    ) -> None:
        await self._remove_where(person_id, lambda each: each.session.account_id == account_id)

    async def _find(self, digest: bytes) -> Session | None:
        async with self._asked() as redis:
            person_id: Any = await redis.get(_by(digest))
            found = person_id and await redis.hget(_of_person(person_id.decode()), digest)
        if not found:
            return None
        kept = msgspec.json.decode(found, type=_Kept)
        if kept.digest != digest:
            raise SessionsAway("Redis answered another's question")
        return kept.session

    async def _of(self, person_id: str) -> list[_Kept]:
        async with self._asked() as redis:
            fields = await redis.hgetall(_of_person(person_id))
        return [msgspec.json.decode(each, type=_Kept) for each in fields.values()]

    async def _remove_where(self, person_id: str, goes: Callable[[_Kept], bool]) -> int:
        """Tell how many were there until now: of two who remove one, one did it."""
        gone = [each.digest for each in await self._of(person_id) if goes(each)]
        if not gone:
            return 0
        async with self._asked() as redis:
            return await redis.hdel(_of_person(person_id), *gone)

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[Redis]:
        try:
            async with self._redis.asked() as redis:
                yield redis
        except RedisAway as error:
            raise SessionsAway(str(error)) from error


def _kept(digest: bytes, session: Session) -> bytes:
    return msgspec.json.encode(_Kept(digest, session))


def _by(digest: bytes) -> str:
    return f"auth:session:{digest.hex()}"


def _of_person(person_id: str) -> str:
    return f"auth:sessions:{person_id}"
