"""The pool's connections: what one borrower has done, the next does not see."""

import asyncpg
import pytest

from data_plane.store.pool import Connection, fetch_once
from shared.domain.ids import role_of
from shared.runtime.config import read_config
from shared.runtime.database import Database
from tests.isolation.patient_pool import opened_pool
from tests.support import Installation, MadeTenant, make_tenant

_STATE = "SELECT current_user, pg_backend_pid(), now() = statement_timestamp() AS fresh"


@pytest.fixture
async def tenant(database: Database, installation: Installation) -> MadeTenant:
    return await make_tenant(database, read_config(installation.environment()))


async def fail_in(connection: Connection) -> None:
    await connection.execute("SELECT 1 / 0")


async def test_the_tenants_role_ends_with_its_transaction(
    installation: Installation, tenant: MadeTenant
) -> None:
    async with opened_pool(installation.data_url) as pool:
        async with pool.tenant(tenant.tenant_id) as connection:
            held = await connection.fetchrow(_STATE)
        async with pool.connection() as connection:
            after = await connection.fetchrow(_STATE)
    assert held is not None
    assert after is not None
    assert held["current_user"] == role_of(tenant.tenant_id)
    assert after["current_user"] != role_of(tenant.tenant_id)
    assert after["pg_backend_pid"] == held["pg_backend_pid"]  # the same connection


async def test_after_an_error_there_is_neither_role_nor_transaction(
    installation: Installation, tenant: MadeTenant
) -> None:
    async with opened_pool(installation.data_url) as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.tenant(tenant.tenant_id) as connection:
                await fail_in(connection)
        async with pool.connection() as connection:
            assert not connection.is_in_transaction()
            after = await connection.fetchrow(_STATE)
    assert after is not None
    assert after["current_user"] != role_of(tenant.tenant_id)


async def test_a_statement_that_is_read_once_is_not_kept_prepared(
    installation: Installation, tenant: MadeTenant
) -> None:
    statement = f'SELECT client_id FROM "t_{tenant.tenant_id}".client WHERE client_id = $1'  # noqa: S608 - our own id
    async with opened_pool(installation.data_url) as pool:
        async with pool.tenant(tenant.tenant_id) as connection:
            rows = await fetch_once(connection, statement, tenant.client.client_id)
            rows += await fetch_once(connection, statement, "nobody")
        async with pool.connection() as connection:
            kept = await connection.fetch("SELECT statement FROM pg_prepared_statements")
    assert [row["client_id"] for row in rows] == [tenant.client.client_id]
    assert not [row for row in kept if tenant.tenant_id in row["statement"]]
