"""Who may do what in the database (architecture.md section 4), on each version and owner."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from control_plane.publishing.snapshots import UnknownTenant
from control_plane.tenants.actions import NewTenant, create_tenant, show_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import TenantId, role_of, schema_of
from shared.runtime.config import read_config
from shared.runtime.sealing import Sealer
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, new_slug, opened

Connection = Any  # asyncpg's own, or a proxy of it


@asynccontextmanager
async def logged_in(url: str) -> AsyncIterator[Connection]:
    """A login's transaction, undone at the end."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


@asynccontextmanager
async def acting_as(url: str, tenant: TenantId) -> AsyncIterator[Connection]:
    async with logged_in(url) as connection:
        await connection.execute(f'SET LOCAL ROLE "{role_of(tenant)}"')
        yield connection


async def refused(connection: Connection, statement: str) -> bool:
    """Is the right to do it lacking? The transaction lives on."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await savepoint.rollback()
    return False


@pytest.fixture
async def two(owned: Installation) -> tuple[TenantId, TenantId]:
    async with opened(owned.control_url) as database:
        return await add_bare_tenant(database), await add_bare_tenant(database)


async def test_a_tenant_is_provisioned_and_deleted(owned: Installation) -> None:
    slug = new_slug()
    sealer = Sealer(read_config(owned.environment()).master_keys)
    async with opened(owned.control_url) as database:
        made = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
        async with database.tenant(made) as connection:
            assert (await connection.exec_driver_sql("SELECT current_user")).scalar() == role_of(
                made
            )
        await delete_tenant(database, slug)
        with pytest.raises(UnknownTenant):
            await show_tenant(database, slug)
    async with logged_in(owned.owner_url) as connection:
        assert await connection.fetchval("SELECT to_regnamespace($1)", schema_of(made)) is None
        assert await connection.fetchval("SELECT to_regrole($1)", role_of(made)) is None


_NOT_FOR_DATA = [
    pytest.param("SELECT FROM control.tenant", id="reads-tenants"),
    pytest.param("SELECT FROM control.login_role", id="reads-logins"),
    pytest.param("DELETE FROM control.tenant", id="deletes-tenants"),
    pytest.param("UPDATE control.issuer_snapshot SET version = 9", id="writes-snapshots"),
    pytest.param("DELETE FROM control.issuer_snapshot", id="deletes-snapshots"),
    pytest.param("SELECT FROM ledger.issued", id="reads-the-ledger"),
    pytest.param("UPDATE ledger.issued SET lifetime = 0", id="changes-the-ledger"),
    pytest.param("DELETE FROM ledger.issued", id="deletes-from-the-ledger"),
    pytest.param("TRUNCATE ledger.issued", id="empties-the-ledger"),
    pytest.param("SELECT FROM ledger.refused", id="reads-refusals"),
    pytest.param("DELETE FROM ledger.usage", id="forgets-usage"),
    pytest.param("DELETE FROM ledger.batch", id="forgets-batches"),
    pytest.param("DELETE FROM ledger.account_month", id="forgets-months"),
    pytest.param("SELECT ledger.drop_partition('issued', '2026-01-01')", id="drops-days"),
    pytest.param("SELECT ledger.make_day('issued', '2026-01-01')", id="makes-days-of-its-own"),
    pytest.param("DELETE FROM ledger.revocation", id="revives-tokens"),
    pytest.param("UPDATE ledger.revocation SET expires_at = now()", id="ends-revocations"),
    pytest.param("CREATE TABLE public.made (a int)", id="creates-in-public"),
    pytest.param("CREATE TABLE control.made (a int)", id="creates-in-control"),
    pytest.param("CREATE TABLE ledger.made (a int)", id="creates-in-ledger"),
    pytest.param("CREATE TEMPORARY TABLE made (a int)", id="creates-temporary"),
    pytest.param("CREATE SCHEMA made", id="creates-a-schema"),
    pytest.param("CREATE ROLE made", id="creates-a-role"),
    pytest.param("ALTER TABLE ledger.issued DISABLE ROW LEVEL SECURITY", id="opens-the-ledger"),
    pytest.param("DROP TABLE ledger.issued", id="drops-the-ledger"),
    pytest.param("SELECT control.create_tenant_role('aaaaaaaaaaaaa')", id="makes-tenants-roles"),
    pytest.param("SELECT control.drop_tenant_role('aaaaaaaaaaaaa')", id="drops-tenants-roles"),
]


@pytest.mark.parametrize("statement", _NOT_FOR_DATA)
async def test_the_data_planes_login_may_not(owned: Installation, statement: str) -> None:
    async with logged_in(owned.data_url) as connection:
        assert await refused(connection, statement)


async def test_the_data_planes_login_records_and_follows(owned: Installation) -> None:
    async with logged_in(owned.data_url) as connection:
        await connection.execute("SELECT ledger.ensure_partitions()")
        await connection.execute("SELECT FROM control.issuer_snapshot")
        await connection.execute("SELECT FROM control.alembic_version")
        await connection.execute("SELECT FROM ledger.revocation")
        today = await connection.fetchval("SELECT ledger.first_id_of(current_date)")
        await connection.execute(
            "INSERT INTO ledger.issued VALUES ($1, 60, 'aaaaaaaaaaaaa', 'c')", today
        )


async def test_the_ledgers_partitions_are_no_way_around_it(owned: Installation) -> None:
    async with logged_in(owned.owner_url) as connection:
        found = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE relkind = 'r' AND relnamespace = 'ledger'::regnamespace"
        )
    assert found
    for url in (owned.data_url, owned.control_url):
        async with logged_in(url) as connection:
            for row in found:
                assert await refused(connection, f"SELECT FROM {row['name']}")
                assert await refused(connection, f"TRUNCATE {row['name']}")


async def test_a_login_sees_a_tenants_schema_only_under_the_tenants_role(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    statement = f'SELECT FROM "{schema_of(two[0])}".client'
    async with logged_in(owned.data_url) as connection:
        assert await refused(connection, statement)
    async with acting_as(owned.data_url, two[0]) as connection:
        assert not await refused(connection, statement)


@pytest.mark.parametrize("login", ["data_url", "control_url"])
async def test_a_tenants_role_sees_its_own_schema_and_no_other(
    owned: Installation, two: tuple[TenantId, TenantId], login: str
) -> None:
    own, other = two
    async with acting_as(getattr(owned, login), own) as connection:
        for table in ("api", "client", "client_secret", "client_grant", "signing_key"):
            assert not await refused(connection, f'SELECT FROM "{schema_of(own)}".{table}')
            assert await refused(connection, f'SELECT FROM "{schema_of(other)}".{table}')
            assert await refused(connection, f'TRUNCATE "{schema_of(other)}".{table}')
        for statement in (
            "SELECT FROM control.tenant",
            "SELECT FROM control.issuer_snapshot",
            "INSERT INTO ledger.issued SELECT",
            "INSERT INTO ledger.usage SELECT",
            "UPDATE ledger.usage SET count = 0",
            "SELECT FROM ledger.account_month",
            "SELECT FROM ledger.batch",
            "DELETE FROM ledger.revocation",
            f'CREATE TABLE "{schema_of(own)}".made (a int)',
            f'DROP TABLE "{schema_of(own)}".client_grant',
            "SELECT control.create_tenant_role('aaaaaaaaaaaaa')",
        ):
            assert await refused(connection, statement), statement


async def test_a_tenants_role_reads_its_own_records_only(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    own, other = two
    async with logged_in(owned.data_url) as connection:
        await connection.execute(
            "INSERT INTO ledger.issued SELECT ledger.first_id_of(current_date), 60, t, 'c'"
            " FROM unnest($1::text[]) t",
            [own, other],
        )
        await connection.execute(f'SET LOCAL ROLE "{role_of(own)}"')
        assert await tenants_in(connection, "ledger.issued") == {own}
        await connection.execute(f'SET LOCAL ROLE "{role_of(other)}"')
        assert await tenants_in(connection, "ledger.issued") == {other}


async def test_a_tenants_role_revokes_its_own_tokens_only(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    own, other = two
    insert = "INSERT INTO ledger.revocation VALUES ('{}', 'token', 'a-jti', now(), now())"
    async with acting_as(owned.data_url, own) as connection:
        assert await refused(connection, insert.format(other))
        await connection.execute(insert.format(own))
        await connection.execute(f'SET LOCAL ROLE "{role_of(other)}"')
        assert own not in await tenants_in(connection, "ledger.revocation")
        await connection.execute("UPDATE ledger.revocation SET expires_at = 'infinity'")
        await connection.execute("SET LOCAL ROLE NONE")
        assert await connection.fetchval(
            "SELECT expires_at < 'infinity' FROM ledger.revocation WHERE tenant = $1", own
        )


async def tenants_in(connection: Connection, table: str) -> set[str]:
    return {row["tenant"] for row in await connection.fetch(f"SELECT tenant FROM {table}")}  # noqa: S608 - two names of ours


_NOT_FOR_CONTROL = [
    pytest.param("SELECT FROM ledger.issued", id="reads-the-ledger"),
    pytest.param("INSERT INTO ledger.issued SELECT", id="writes-the-ledger"),
    pytest.param("DELETE FROM ledger.issued", id="deletes-from-the-ledger"),
    pytest.param("SELECT FROM ledger.usage", id="reads-usage"),
    pytest.param("SELECT FROM ledger.refused", id="reads-refusals"),
    pytest.param("INSERT INTO ledger.batch SELECT", id="writes-batches"),
    pytest.param("UPDATE ledger.account_month SET issued = 0", id="lowers-months"),
    pytest.param("SELECT ledger.make_day('issued', '2026-01-01')", id="makes-days-of-its-own"),
    pytest.param("CREATE ROLE made", id="creates-a-role"),
    pytest.param("CREATE TABLE control.made (a int)", id="creates-in-control"),
    pytest.param("DROP TABLE control.tenant", id="drops-tenants"),
    pytest.param("UPDATE control.login_role SET role_name = 'x'", id="renames-logins"),
    pytest.param("UPDATE control.alembic_version SET version_num = 'x'", id="writes-revisions"),
]


@pytest.mark.parametrize("statement", _NOT_FOR_CONTROL)
async def test_the_control_planes_login_may_not(owned: Installation, statement: str) -> None:
    async with logged_in(owned.control_url) as connection:
        assert await refused(connection, statement)


@pytest.mark.parametrize(
    "argument",
    ["postgres", "", "aaaaaaaaaaaaaa", "AAAAAAAAAAAAA", "aaaaaaaaaaaaa\n", 'a"; DROP ROLE x; --'],
)
async def test_the_doors_to_roles_take_nothing_but_a_tenants_id(
    owned: Installation, argument: str
) -> None:
    for door in ("create_tenant_role", "drop_tenant_role"):
        async with logged_in(owned.control_url) as connection:
            with pytest.raises(asyncpg.RaiseError, match="not a tenant id"):
                await connection.execute(f"SELECT control.{door}($1)", argument)


@pytest.mark.parametrize("login", ["data_url", "control_url"])
async def test_no_login_of_ours_can_more_than_log_in(owned: Installation, login: str) -> None:
    async with logged_in(getattr(owned, login)) as connection:
        held = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
    names = ("rolsuper", "rolinherit", "rolcreaterole", "rolcreatedb", "rolreplication")
    assert not any(held[name] for name in (*names, "rolbypassrls"))


async def test_nobody_else_gets_into_the_database(owned: Installation) -> None:
    async with logged_in(owned.owner_url) as connection:
        granted = await connection.fetchval(
            "SELECT datacl::text FROM pg_database WHERE datname = current_database()"
        )
    assert "{=" not in granted
    assert ",=" not in granted
