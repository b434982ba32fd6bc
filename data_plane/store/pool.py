"""The data plane's connections: few, young, and never waited for.

A tenant's rows are read in a transaction under the tenant's role; SET LOCAL ends with it, so the
pool's next borrower is nobody. And since nothing else is ever set, nothing has to be reset.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from data_plane.protocol.errors import TemporarilyUnavailable
from shared.domain.ids import TenantId, role_of

_CONNECTIONS = 8
_TENANTS_AT_ONCE = (
    3  # the first look at a tenant by a new connection costs PostgreSQL a look at all
)
# tenants' roles, 46 ms where there are 10,000: eight that begin at once would keep all waiting
_PATIENCE = 0.4  # seconds: a store that is slower than this is down
_STATEMENTS = 64  # kept prepared per connection; none of them names a tenant's schema
_QUERIES = 2_000  # then the connection is replaced, and with it what it knows of some 500 tenants:
# 75 KB of PostgreSQL's memory for each whose tables it has read

# What asyncpg raises when the server is gone, going, full or slow, or does not let us in. Mistakes
# in SQL are not here.
DOWN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a question to a server that has just said that it ends
    asyncpg.ReadOnlySQLTransactionError,
)

# quoted: the classes take no subscript at run time
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
ConnectionPool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Pool:
    """Opens its connections when they are first needed, so that a start waits for no database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: ConnectionPool | None = None
        self._opening = asyncio.Lock()
        self._tenants = asyncio.Semaphore(_TENANTS_AT_ONCE)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection. Raises TemporarilyUnavailable when the store is down or slow."""
        async with self._patiently():
            pool = await self._open()
            async with pool.acquire() as connection:
                yield connection  # type: ignore[misc]  # the proxy has the connection's methods

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncIterator[Connection]:
        """Lend a connection within one transaction under the tenant's role."""
        async with self._patiently(), self._tenants, self.connection() as connection:
            try:
                # one round trip; asyncpg's own BEGIN would be another
                await connection.execute(f'BEGIN; SET LOCAL ROLE "{role_of(tenant)}"')
                yield connection
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PATIENCE):
                yield
        except DOWN:
            raise TemporarilyUnavailable("the service cannot reach its store") from None

    async def _open(self) -> ConnectionPool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=_CONNECTIONS,
                    max_queries=_QUERIES,
                    statement_cache_size=_STATEMENTS,
                    command_timeout=_PATIENCE,
                    reset=_leave_as_it_is,
                )
            return self._pool


async def fetch_once(
    connection: Connection, statement: str, *arguments: object
) -> list[asyncpg.Record]:
    """Read by a statement that names a tenant's schema.

    It is not kept prepared: it would push out one that serves all tenants, to serve hardly again.
    """
    prepared = await connection.prepare(statement, name="")
    return await prepared.fetch(*arguments)


async def _leave_as_it_is(_: object) -> None:
    """Save the round trip in which asyncpg resets what we never set; open transactions it ends."""
