"""Sessions in either store, and a person to have them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import select

from control_plane.accounts.actions import create_account
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, SessionStore
from control_plane.sessions.in_redis import RedisSessions
from control_plane.sessions.repository import PEOPLES
from shared.runtime.database import Database
from shared.runtime.redis_client import RedisClient
from shared.runtime.tables.people import session
from tests.control_plane.sessions.kept import Kept
from tests.valkey import RunningValkey


@pytest.fixture(params=["postgresql", "redis"])
async def kept(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Kept]:
    person_id = f"p_{token_hex(8)}"
    async with database.control() as connection:
        await add_person(connection, person_id, f"{person_id}@example.org", None)
    accounts = await create_account(database, "One"), await create_account(database, "Two")
    store: SessionStore = PEOPLES
    async with AsyncExitStack() as stack:
        if request.param == "redis":
            valkey: RunningValkey = request.getfixturevalue("valkey")
            valkey.client.flushall()
            redis = RedisClient(valkey.url)
            stack.push_async_callback(redis.close)
            store = RedisSessions(redis)

            async def rests() -> str:
                # not as DUMP has it, which packs what repeats: an id would not be found in it
                client, keys = valkey.client, list(valkey.client.scan_iter())
                kinds: dict[Any, Any] = {b"string": client.get, b"hash": client.hgetall}
                return repr([(key, kinds[client.type(key)](key)) for key in keys])
        else:

            async def rests() -> str:
                async with database.control() as connection:
                    return repr((await connection.execute(select(session))).all())

        yield Kept(database, Sessions(store), person_id, accounts, rests)
