"""The database as the control plane, the jobs and the commands use it.

Each context manager is one transaction: committed on leaving, rolled back on any exception. The
data plane does not come here: it reads with plain asyncpg (data_plane/store).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.domain.ids import TenantId, role_of, schema_of
from shared.runtime.config import Key

# What a database that is gone, going or unwilling raises, through SQLAlchemy or past it.
DATABASE_TROUBLE = (
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

_LONGEST_CAUSE = 300  # characters
_SUPPORTED = text("SELECT set_config('support.tenant', :tenant, true)")  # LOCAL; see RLS of ledger

_POOL_SIZE = 8
_AUDIT_KEYS = "audit_keys"
_MAXIMUM_AGE = 600  # seconds; a connection that has touched 1,000 schemas holds 160 MB and more


class Database:
    """`audit_keys` are the configuration's: without them nothing can be changed that is audited."""

    def __init__(self, url: str, audit_keys: tuple[Key, ...] = ()) -> None:
        async def connect() -> Any:
            return await asyncpg.connect(url, timeout=10, statement_cache_size=64)

        # The URL goes to asyncpg as it is: SQLAlchemy's own reading knows no sslmode and friends.
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=_POOL_SIZE,
            max_overflow=0,
            pool_recycle=_MAXIMUM_AGE,
            # on every connection, so that an event is recorded where the change is made
            execution_options={_AUDIT_KEYS: audit_keys},
        )

    @asynccontextmanager
    async def control(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as the login itself, for the schema `control`."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncIterator[AsyncConnection]:
        """One transaction under the tenant's role; unnamed schemas are the tenant's."""
        async with self._engine.begin() as connection:
            await become_tenant(connection, tenant)
            yield connection

    async def close(self) -> None:
        await self._engine.dispose()


def cause_of(error: BaseException) -> str:
    """Say in a line what failed: the statement's parameters, and the rows it met, are nobody's."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()
    return (said[0] if said else type(error).__name__)[:_LONGEST_CAUSE]


class SupportDatabase(Database):
    """The database as the support login sees it, which takes no tenant's role."""

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncIterator[AsyncConnection]:
        """One transaction as the login that reads this tenant's rows of the ledger and no others;
        unnamed schemas are the tenant's.
        """
        async with self._engine.begin() as connection:
            await connection.execute(_SUPPORTED, {"tenant": tenant})
            await name_schema(connection, tenant)
            yield connection


def audit_keys_of(connection: AsyncConnection) -> tuple[Key, ...]:
    """Give the keys of the database that the connection is to; the first one writes."""
    opened = connection.sync_connection
    keys: tuple[Key, ...] = opened.get_execution_options().get(_AUDIT_KEYS, ()) if opened else ()
    if not keys:
        raise RuntimeError("the database was opened without the keys of the audit log")
    return keys


def tenant_of(connection: AsyncConnection) -> TenantId:
    """Give the tenant whose schema the connection's unnamed tables are in."""
    opened = connection.sync_connection
    named = opened.get_execution_options().get("schema_translate_map", {}) if opened else {}
    if None not in named:
        raise RuntimeError("the transaction is of no tenant")
    return TenantId(str(named[None]).removeprefix(schema_of(TenantId(""))))


async def become_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    """Take the tenant's role until the transaction ends.

    LOCAL is the point: a plain SET ROLE would leak to the pool's next borrower.
    """
    await connection.execute(text(f'SET LOCAL ROLE "{role_of(tenant)}"'))
    await name_schema(connection, tenant)


async def name_schema(connection: AsyncConnection, tenant: TenantId) -> None:
    """Have tables without a schema be the tenant's, whoever we are."""
    _ = await connection.execution_options(schema_translate_map={None: schema_of(tenant)})


async def become_login(connection: AsyncConnection) -> None:
    """Step back from the tenant's role to the login, within the transaction."""
    await connection.execute(text("SET LOCAL ROLE NONE"))


async def run_script(connection: AsyncConnection, script: str) -> None:
    """Run several statements in one round trip, inside the connection's transaction."""
    await connection.execute(text("SELECT 1"))  # SQLAlchemy opens the transaction only now
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if driver is None:
        raise ConnectionError("the database connection is gone")
    await driver.execute(script)
