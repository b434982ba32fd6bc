"""Taking a database to this release, from nothing and again."""

import asyncio

import asyncpg
from sqlalchemy import text

from migrations import run
from migrations.run import migrate, pending, tenant_head
from shared.runtime.database import Database
from tests.support import Installation, opened

_CATALOGUE = """
SELECT n.nspname || '.' || c.relname || ' ' || c.relkind::text, c.oid::bigint, c.relacl::text,
       (SELECT string_agg(a.attname || ' ' || a.atttypid::regtype, ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('control', 'ledger') ORDER BY 1
"""


async def catalogue(url: str) -> list[tuple[object, ...]]:
    async with opened(url) as database, database.control() as connection:
        return [tuple(row) for row in await connection.execute(text(_CATALOGUE))]


async def test_a_second_migration_changes_nothing(owned: Installation) -> None:
    before = await catalogue(owned.owner_url)
    report = await migrate(owned.owner_url)
    assert await catalogue(owned.owner_url) == before
    assert (report.tenant_revision, report.tenants_migrated) == (tenant_head(), 0)


async def test_nothing_is_pending_after_a_migration(owned: Installation) -> None:
    for url in (owned.owner_url, owned.control_url):
        async with opened(url) as database:
            assert await pending(database) == []


async def test_an_empty_database_is_said_to_be_empty(empty_database: str) -> None:
    async with opened(empty_database) as database:
        assert await pending(database) == ["the database is empty"]


async def test_migrations_at_once_end_as_one_alone(empty_database: str) -> None:
    reports = await asyncio.gather(*(migrate(empty_database) for _ in range(3)))
    assert len(set(map(str, reports))) == 1
    async with opened(empty_database) as database:
        assert await pending(database) == []


async def test_a_migration_that_was_cut_off_leaves_the_database_as_it_was(
    empty_database: str,
) -> None:
    started = await _cancelled_at_many_points(empty_database)
    assert started
    await migrate(empty_database)
    async with opened(empty_database) as database:
        assert await pending(database) == []


async def _cancelled_at_many_points(url: str) -> int:
    """Cancel migrations after more and more turns of the loop; how many had not ended by then."""
    cut = 0
    for turns in (1, 4, 8, 12, 16, 24, 32):
        task = asyncio.create_task(migrate(url))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        cut += task.cancelled()
        async with opened(url) as database:
            assert await pending(database) in (["the database is empty"], [])
    return cut


async def test_a_database_of_a_newer_release_is_said_to_be_so(fresh: Installation) -> None:
    owner = Database(fresh.owner_url)
    async with owner.control() as connection:
        await connection.execute(text("UPDATE control.alembic_version SET version_num = '9999'"))
    assert await pending(owner) == [f"control: 9999 -> {run.head_of('control')}"]
    await owner.close()


async def test_an_awkward_database_name_is_refused_before_anything_is_made(
    empty_database: str,
) -> None:
    connection = await asyncpg.connect(empty_database)
    long_name = "n" * 51
    await connection.execute(f"CREATE DATABASE {long_name}")
    url = empty_database.rpartition("/")[0] + f"/{long_name}"
    try:
        refused = await asyncio.gather(migrate(url), return_exceptions=True)
        assert isinstance(refused[0], ValueError)
        async with opened(url) as database:
            assert await pending(database) == ["the database is empty"]
    finally:
        await connection.execute(f"DROP DATABASE {long_name}")
        await connection.close()
