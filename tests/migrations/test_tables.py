"""The tables that the code speaks of are those that the migrations make."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from sqlalchemy import Column, DefaultClause, Index, MetaData, Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.ids import schema_of
from shared.runtime import tables
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from shared.runtime.tables import control, ledger
from shared.runtime.tables import tenant as tenant_tables
from tests.conftest import new_installation
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

for each in pkgutil.iter_modules(tables.__path__):  # each adds its own to the metadata
    importlib.import_module(f"{tables.__name__}.{each.name}")

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

# What only SQL speaks of: the mark that a follower's poll starts from, and what PostgreSQL alone
# keeps or uses.
_COLUMNS_OF_SQL = {"issuer_snapshot": {"changed"}, "revocation": {"changed"}}
_INDEXES_OF_SQL = {
    "issuer_snapshot": {"ix_issuer_snapshot_changed"},
    "revocation": {"ix_revocation_changed"},
    "issued": {"ix_issued_jti"},
    "signing_key": {"ix_signing_key_one_in_state"},
    # of the beginnings of words, for support's search
    "tenant": {"ix_tenant_slug_search"},
    "account": {"ix_account_name_search"},
    "person": {"ix_person_email_search"},
}
_TABLES_OF_SQL = {"alembic_version", "login_role"}

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS = """
SELECT contype::text AS kind, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid = to_regclass(:table) AND contype IN ('p', 'u', 'f')
"""
_INDEXES = """
SELECT c.relname AS name, i.indisunique AS is_unique,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid ORDER BY a.attnum)
         AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(:table)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u'))
"""


def _described(column: "Column[Any]") -> tuple[str, str, bool, str | None]:
    default = column.server_default
    written = str(default.arg) if isinstance(default, DefaultClause) else None
    kind = column.type.compile(dialect=_DIALECT).lower()
    return column.name, kind, bool(column.nullable), written


async def _rows(connection: AsyncConnection, query: str, table: str) -> list[Any]:
    return list((await connection.execute(text(query), {"table": table})).all())


async def _columns(connection: AsyncConnection, name: str, table: Table) -> list[object]:
    skipped = _COLUMNS_OF_SQL.get(table.name, set())
    return [
        (row.name, row.type, row.nullable, row.default and row.default.split("::")[0])
        for row in await _rows(connection, _COLUMNS, name)
        if row.name not in skipped
    ]


def _cases(metadata: MetaData) -> Iterable[Any]:
    return [pytest.param(table, id=table.name) for table in metadata.sorted_tables]


_ALL = pytest.mark.parametrize(
    "table",
    [*_cases(control.metadata), *_cases(ledger.metadata), *_cases(tenant_tables.metadata)],
)


@pytest.fixture(scope="module")
def own(postgres: EmbeddedPostgres) -> Installation:
    """An installation apart: tenants without keys are nothing that others should meet."""
    return new_installation(postgres.url)


@pytest.fixture
async def database(own: Installation) -> AsyncIterator[Database]:
    async with opened(own.control_url) as made:
        yield made


@pytest.fixture(scope="module")
def schema(own: Installation) -> str:
    """A tenant's, which the tests read and leave as it is."""

    async def make() -> str:
        async with opened(own.control_url) as database:
            return schema_of(await add_bare_tenant(database))

    return asyncio.run(make())


def name_of(table: Table, schema: str) -> str:
    return f'"{table.schema or schema}".{table.name}'


@_ALL
async def test_columns_types_nulls_and_defaults_are_the_catalogues(
    table: Table, schema: str, database: Database
) -> None:
    async with database.control() as connection:
        found = await _columns(connection, name_of(table, schema), table)
    assert found == [_described(column) for column in table.columns]


@_ALL
async def test_primary_and_unique_keys_are_the_catalogues(
    table: Table, schema: str, database: Database
) -> None:
    expected = {f"UNIQUE ({column.name})" for column in table.columns if column.unique}
    if table.primary_key.columns:
        expected.add(f"PRIMARY KEY ({', '.join(table.primary_key.columns.keys())})")
    async with database.control() as connection:
        rows = await _rows(connection, _CONSTRAINTS, name_of(table, schema))
    assert {row.definition for row in rows if row.kind in "pu"} == expected


@_ALL
async def test_references_are_the_catalogues(table: Table, schema: str, database: Database) -> None:
    expected = {
        (key.parent.name, key.target_fullname, key.ondelete or "") for key in table.foreign_keys
    }
    async with database.control() as connection:
        rows = await _rows(connection, _CONSTRAINTS, name_of(table, schema))
    assert len([row for row in rows if row.kind == "f"]) == len(expected)
    definitions = " ".join(row.definition.replace(f"{schema}.", "") for row in rows)
    for column, target, on_delete in expected:
        referred, _, key = target.rpartition(".")
        behind = f" ON DELETE {on_delete}" if on_delete else ""
        assert f"FOREIGN KEY ({column}) REFERENCES {referred}({key}){behind}" in definitions


@_ALL
async def test_indexes_are_the_catalogues(table: Table, schema: str, database: Database) -> None:
    async with database.control() as connection:
        rows = await _rows(connection, _INDEXES, name_of(table, schema))
    of_sql = _INDEXES_OF_SQL.get(table.name, set())
    found = {
        (row.name, row.is_unique, tuple(row.columns)) for row in rows if row.name not in of_sql
    }
    assert found == {_of(index) for index in table.indexes}
    assert of_sql <= {row.name for row in rows}


def _of(index: Index) -> tuple[str, bool, tuple[str, ...]]:
    return str(index.name), bool(index.unique), tuple(index.columns.keys())


@pytest.mark.parametrize("metadata", [control.metadata, ledger.metadata], ids=["control", "ledger"])
async def test_the_code_knows_every_table_of_the_schema(
    metadata: MetaData, database: Database
) -> None:
    query = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = to_regnamespace(:schema)"
    )
    async with database.control() as connection:
        found = set(await connection.scalars(text(query), {"schema": metadata.schema}))
    assert found - _TABLES_OF_SQL == {table.name for table in metadata.sorted_tables}


async def test_a_tenants_schema_has_the_tables_of_the_code_and_at_most_six(
    schema: str, database: Database
) -> None:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = :schema"
    async with database.control() as connection:
        found = list(await connection.scalars(text(query), {"schema": schema}))
    assert set(found) == set(tenant_tables.metadata.tables)
    assert len(found) <= 6


async def test_a_foreign_keys_columns_are_indexed(owned: Installation) -> None:
    """Deleting a client looks for its secrets and grants; without an index it reads them all."""
    query = """
    SELECT conrelid::regclass::text || ' ' || a.attname FROM pg_constraint
    JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
    WHERE contype = 'f' AND confdeltype = 'c' AND NOT EXISTS (
      SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])
    """
    async with opened(owned.owner_url) as database, database.control() as connection:
        assert list(await connection.scalars(text(query))) == []
