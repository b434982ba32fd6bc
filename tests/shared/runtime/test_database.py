"""The database as the control plane uses it: a tenant's role ends with its transaction."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import role_of, schema_of
from shared.runtime.database import Database, become_login, run_script
from shared.runtime.tables.tenant import api, client
from tests.support import Installation, MadeTenant

_BORROWERS = 20  # more than the pool has connections


async def role(connection: AsyncConnection) -> str:
    return str(await connection.scalar(text("SELECT current_user")))


async def roles_of_next_borrowers(database: Database) -> set[str]:
    """The roles that a whole round of borrowers finds itself in."""

    async def borrow() -> str:
        async with database.control() as connection:
            await connection.execute(text("SELECT pg_sleep(0.005)"))  # so that all are out at once
            return await role(connection)

    return set(await asyncio.gather(*(borrow() for _ in range(_BORROWERS))))


@pytest.fixture
async def login(database: Database) -> str:
    async with database.control() as connection:
        return await role(connection)


async def test_a_tenants_transaction_runs_under_the_tenants_role(
    database: Database, tenant: MadeTenant, login: str
) -> None:
    async with database.tenant(tenant.tenant_id) as connection:
        assert await role(connection) == role_of(tenant.tenant_id)
        await become_login(connection)
        assert await role(connection) == login


async def test_the_next_borrower_is_the_login_after_a_commit(
    database: Database, tenant: MadeTenant, login: str
) -> None:
    for _ in range(_BORROWERS):
        async with database.tenant(tenant.tenant_id) as connection:
            await connection.execute(text("SELECT 1"))
    assert await roles_of_next_borrowers(database) == {login}


async def test_the_next_borrower_is_the_login_after_an_error(
    database: Database, tenant: MadeTenant, login: str
) -> None:
    for _ in range(_BORROWERS):
        with pytest.raises(DBAPIError):
            async with database.tenant(tenant.tenant_id) as connection:
                await connection.execute(text("SELECT 1 / 0"))
    assert await roles_of_next_borrowers(database) == {login}


async def test_the_next_borrower_is_the_login_after_a_cancelled_transaction(
    database: Database, tenant: MadeTenant, login: str
) -> None:
    reached = asyncio.Semaphore(0)

    async def work() -> None:
        async with database.tenant(tenant.tenant_id) as connection:
            reached.release()
            await connection.execute(text("SELECT pg_sleep(30)"))

    for _ in range(_BORROWERS):
        task = asyncio.create_task(work())
        await reached.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await roles_of_next_borrowers(database) == {login}


async def test_a_cancelled_transaction_leaves_nothing_behind(
    database: Database, tenant: MadeTenant
) -> None:
    changed = asyncio.Event()

    async def work() -> None:
        async with database.tenant(tenant.tenant_id) as connection:
            await connection.execute(api.update().values(name="half done"))
            changed.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await changed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.tenant(tenant.tenant_id) as connection:
        assert await connection.scalar(api.select().with_only_columns(api.c.name)) == "Things"


async def test_unnamed_tables_are_those_of_the_tenant_of_the_transaction(
    database: Database, tenant: MadeTenant
) -> None:
    async with database.tenant(tenant.tenant_id) as connection:
        found = await connection.scalars(client.select().with_only_columns(client.c.client_id))
        assert list(found) == [tenant.client.client_id]


async def test_a_script_runs_inside_the_transaction(database: Database, tenant: MadeTenant) -> None:
    schema = schema_of(tenant.tenant_id)

    async def change_and_fail() -> None:
        async with database.tenant(tenant.tenant_id) as connection:
            change = f'UPDATE "{schema}".api SET name = $$half done$$'  # noqa: S608 - our own id
            await run_script(connection, f"{change}; {change}")
            await connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        await change_and_fail()
    async with database.tenant(tenant.tenant_id) as connection:
        assert await connection.scalar(api.select().with_only_columns(api.c.name)) == "Things"


async def test_the_database_heals_when_its_connections_were_cut(
    database: Database, installation: Installation, login: str
) -> None:
    assert await roles_of_next_borrowers(database) == {login}
    owner = Database(installation.owner_url)
    async with owner.control() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :login"),
            {"login": login},
        )
    await owner.close()
    answered = 0
    for _ in range(2 * _BORROWERS):
        try:
            async with database.control() as connection:
                answered += await role(connection) == login
        except DBAPIError:  # who holds a dead connection learns of it once
            continue
    assert answered >= _BORROWERS
