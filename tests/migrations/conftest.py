"""Databases of both PostgreSQL versions, owned by a superuser and by a plain login."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from control_plane.tenants.repository import add_tenant, create_schema
from shared.domain.ids import TenantId, tenant_id
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation, run_postgres
from tests.support import Installation, new_slug

_DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def postgres15() -> Iterator[EmbeddedPostgres]:
    if not _DEBIAN.exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed here")
    with run_postgres(binaries=_DEBIAN) as server:
        yield server


def as_plain_login(superuser_url: str) -> str:
    """Make a login that may create roles and databases, and nothing more: a hosted owner."""
    name = f"plain_{token_hex(4)}"

    async def make() -> None:
        connection = await asyncpg.connect(superuser_url)
        await connection.execute(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD 'plain'")
        await connection.close()

    asyncio.run(make())
    parts = urlsplit(superuser_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:plain@{place}"))


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(("postgres", False), id="18-superuser"),
        pytest.param(("postgres", True), id="18-plain-owner"),
        pytest.param(("postgres15", False), id="15-superuser"),
        pytest.param(("postgres15", True), id="15-plain-owner"),
    ],
)
def owned(request: pytest.FixtureRequest) -> Installation:
    """An installation on each version, as each kind of owner."""
    cluster, plain = request.param
    server: EmbeddedPostgres = request.getfixturevalue(cluster)
    return new_installation(as_plain_login(server.url) if plain else server.url)


@pytest.fixture
def fresh(postgres: EmbeddedPostgres) -> Installation:
    """An installation for one test alone."""
    return new_installation(postgres.url)


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> str:
    """The owner's URL of a database in which nothing is."""
    name = f"empty_{token_hex(4)}"

    async def make() -> None:
        connection: Any = await asyncpg.connect(postgres.url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return urlunsplit(urlsplit(postgres.url)._replace(path=f"/{name}"))


async def add_bare_tenant(database: Database) -> TenantId:
    """Make a tenant without keys, which cost more than all the rest."""
    made = tenant_id(os.urandom(8))
    async with database.control() as connection:
        assert await add_tenant(connection, made, new_slug(), "bare")
        await create_schema(connection, made)
    return made
