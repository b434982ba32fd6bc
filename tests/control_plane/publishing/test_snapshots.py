"""Publishing: every change makes exactly one next version, and rings once it is committed."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.publishing.snapshots import edit_tenant
from control_plane.tenants.actions import NewTenant, create_tenant, suspend_tenant
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import IssuerSnapshot, TenantStatus
from shared.runtime.database import Database
from shared.runtime.doorbell import CHANNEL
from shared.runtime.sealing import Sealer
from tests.support import Installation, new_slug


async def snapshot_of(database: Database, tenant: TenantId) -> IssuerSnapshot:
    query = text("SELECT version, slug, body FROM control.issuer_snapshot WHERE tenant_id = :id")
    async with database.control() as connection:
        row = (await connection.execute(query, {"id": tenant})).one()
    snapshot = msgspec.json.decode(row.body, type=IssuerSnapshot)
    assert (snapshot.version, snapshot.slug) == (row.version, row.slug)
    return snapshot


def new_api(number: int, **changes: Any) -> NewApi:
    given: dict[str, Any] = {
        "identifier": f"https://{number}.example",
        "name": "A",
        "scopes": {f"s{number}": "", "shared": ""},
        "token_lifetime": 60,
    }
    return NewApi(**(given | changes))


async def test_a_new_tenant_is_published_as_its_first_version(
    database: Database, acme: TenantId
) -> None:
    snapshot = await snapshot_of(database, acme)
    assert (snapshot.version, snapshot.status) == (1, TenantStatus.ACTIVE)
    assert (snapshot.tenant_id, snapshot.scopes) == (acme, ())
    assert [key.algorithm for key in snapshot.signing_keys] == [Algorithm.ES256]


async def test_the_first_version_is_what_the_tables_say(database: Database, sealer: Sealer) -> None:
    slug = new_slug()
    made = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    first = await snapshot_of(database, made)
    async with edit_tenant(database, made):
        pass  # publishes what it reads
    assert await snapshot_of(database, made) == msgspec.structs.replace(first, version=2)


async def test_a_change_publishes_keys_and_scopes_as_they_are_then(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    await create_api(database, sealer, acme, new_api(1, algorithm=Algorithm.EDDSA))
    await create_api(database, sealer, acme, new_api(2))
    snapshot = await snapshot_of(database, acme)
    assert snapshot.version == 3
    assert snapshot.scopes == ("s1", "s2", "shared")
    assert {key.algorithm for key in snapshot.signing_keys} == {Algorithm.ES256, Algorithm.EDDSA}


async def test_changes_at_once_make_one_version_each_and_lose_none(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    await asyncio.gather(
        *(create_api(database, sealer, acme, new_api(number)) for number in range(8))
    )
    snapshot = await snapshot_of(database, acme)
    assert snapshot.version == 1 + 8
    assert set(snapshot.scopes) == {f"s{number}" for number in range(8)} | {"shared"}


async def test_a_change_that_fails_publishes_nothing(database: Database, acme: TenantId) -> None:
    before = await snapshot_of(database, acme)

    async def fail() -> None:
        async with edit_tenant(database, acme) as connection:
            await connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        await fail()
    assert await snapshot_of(database, acme) == before


async def test_the_snapshot_has_no_private_key_in_the_clear(
    database: Database, acme: TenantId
) -> None:
    query = text("SELECT body FROM control.issuer_snapshot WHERE tenant_id = :id")
    async with database.control() as connection:
        body = msgspec.json.decode(await connection.scalar(query, {"id": acme}))
    for key in body["signing_keys"]:
        assert "d" not in key["jwk"]


async def test_the_bell_rings_once_for_each_change_and_not_before_it_is_committed(
    database: Database, sealer: Sealer, installation: Installation, quick_keys: None
) -> None:
    assert quick_keys is None
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(installation.data_url)
    await connection.add_listener(CHANNEL, lambda *rung: heard.put_nowait(str(rung[-1])))
    slug = new_slug()
    made = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    assert await asyncio.wait_for(heard.get(), 60) == f"{made}:1"
    async with edit_tenant(database, made):
        await connection.fetchval("SELECT 1")  # whatever had rung would be heard by now
        assert heard.empty()
    assert await asyncio.wait_for(heard.get(), 60) == f"{made}:2"
    await suspend_tenant(database, slug)
    assert await asyncio.wait_for(heard.get(), 60) == f"{made}:3"
    assert heard.empty()
    await connection.close()
