"""Takes a database to this release: the control tree by Alembic, then each tenant's schema.

Alembic orders the tenant tree's revisions and we render them to SQL once; running Alembic for each
of a thousand schemas costs six times as much. A tenant's revision stands in control.tenant and
moves in the transaction that migrates its schema, so a run that was cut off goes on where it ended.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from io import StringIO
from pathlib import Path

import asyncpg
import msgspec
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shared.domain.ids import TenantId, role_of, schema_of
from shared.domain.refused import Refused
from shared.runtime.database import Database, run_script
from shared.runtime.tables.tenant import audit_event
from shared.runtime.tables.tenant import metadata as tenant_tables

_INI = Path(__file__).parent / "alembic.ini"
_AT_ONCE = 4
_SHOWN = 3  # failed tenants that the message names
_ALEMBIC_LOCK = 0x617574682D736572  # 'auth-ser': one migration of the control tree at a time

Progress = Callable[[int, int], None]  # tenants done, tenants to do


class TenantMigration(msgspec.Struct, frozen=True):
    """One tenant whose schema stands at `revision`, behind the head."""

    tenant: TenantId
    revision: str


class NotMigrated(Refused):
    """Some tenants' schemas could not be migrated; the others were, and a next run goes on."""


class MigrationReport(msgspec.Struct, frozen=True, kw_only=True):
    control_revision: str
    tenant_revision: str
    tenants_migrated: int


async def migrate(url: str, progress: Progress = lambda _done, _all: None) -> MigrationReport:
    """Take everything to the head. `url` is the owner's."""
    database = Database(url)
    try:
        await _migrate_control(database)
        behind = await _behind(database)
        await _migrate_tenants(database, behind, progress)
    finally:
        await database.close()
    return MigrationReport(
        control_revision=head_of("control"),
        tenant_revision=tenant_head(),
        tenants_migrated=len(behind),
    )


async def pending(database: Database) -> list[str]:
    """Name what `migrate` would still do; empty when the database is at the head."""
    async with database.control() as connection:
        known = await connection.scalar(text("SELECT to_regclass('control.alembic_version')"))
        if known is None:
            return ["the database is empty"]
        held = await connection.scalar(text("SELECT version_num FROM control.alembic_version"))
    if held != head_of("control"):
        return [f"control: {held} -> {head_of('control')}"]
    return [f"tenant {each.tenant}: {each.revision}" for each in await _behind(database)]


@cache
def tenant_head() -> str:
    return head_of("tenant")


@cache
def tenant_script(after: str | None) -> str:
    """Render the tenant tree from the revision after `after` (None: from nothing) to the head."""
    directory = _scripts("tenant")
    steps = list(directory.iterate_revisions("head", after or "base"))
    rendered = StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": rendered}
    )
    with Operations.context(context):
        for step in reversed(steps):
            if step.revision != after:
                step.module.upgrade()
    return rendered.getvalue()


def tenant_grants(tenant: TenantId) -> str:
    """Give the tenant's role its rights, on its own schema and nothing else.

    Each table by name: ALL TABLES IN SCHEMA reads the whole of pg_class, five times (130 ms where
    there are 10,000 tenants).
    """
    schema, role = schema_of(tenant), role_of(tenant)
    names = [name for name in tenant_tables.tables if name != audit_event.name]
    tables = ", ".join(f'"{schema}"."{name}"' for name in names)
    return f"""
        GRANT USAGE ON SCHEMA "{schema}" TO "{role}";
        GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO "{role}";
        GRANT SELECT, INSERT ON "{schema}"."{audit_event.name}" TO "{role}";
    """


async def _migrate_control(database: Database) -> None:
    async with database.control() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_ALEMBIC_LOCK})"))
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS control"))
        await connection.run_sync(_upgrade_control)


def _upgrade_control(connection: Connection) -> None:
    config = _config("control")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _behind(database: Database) -> list[TenantMigration]:
    async with database.control() as connection:
        rows = await connection.execute(
            text(
                "SELECT id, schema_revision FROM control.tenant"
                " WHERE schema_revision <> :head AND status <> 'deleted' ORDER BY id"
            ),
            {"head": tenant_head()},
        )
        return [TenantMigration(TenantId(row.id), row.schema_revision) for row in rows]


async def _migrate_tenants(
    database: Database, behind: list[TenantMigration], progress: Progress
) -> None:
    waiting = iter(behind)
    done = 0
    failed: dict[TenantId, str] = {}

    async def work() -> None:
        nonlocal done
        for each in waiting:
            try:
                await _migrate_tenant(database, each)
            except (DBAPIError, asyncpg.PostgresError) as error:  # the others are not kept back
                failed[each.tenant] = str(error).splitlines()[0]
            done += 1
            progress(done, len(behind))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_AT_ONCE, len(behind))):
            group.create_task(work())
    if failed:
        shown = "; ".join(f"{tenant}: {why}" for tenant, why in list(failed.items())[:_SHOWN])
        raise NotMigrated(f"{len(failed)} tenants were not migrated: {shown}")


async def _migrate_tenant(database: Database, each: TenantMigration) -> None:
    async with database.control() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '2s'"))
        held = await connection.scalar(
            text(
                "SELECT schema_revision FROM control.tenant"
                " WHERE id = :id AND status <> 'deleted' FOR UPDATE"
            ),
            {"id": each.tenant},
        )
        if held != each.revision:  # another run was quicker, or the tenant is deleted
            return
        login = await connection.scalar(
            text("SELECT role_name FROM control.login_role WHERE purpose = 'control'")
        )
        await run_script(
            connection,
            f'SET LOCAL ROLE "{login}"; SET LOCAL search_path = "{schema_of(each.tenant)}";'
            + tenant_script(each.revision)
            + tenant_grants(each.tenant),
        )
        await connection.execute(
            text("UPDATE control.tenant SET schema_revision = :head WHERE id = :id"),
            {"head": tenant_head(), "id": each.tenant},
        )


def head_of(tree: str) -> str:
    head = _scripts(tree).get_current_head()
    if head is None:
        raise RuntimeError(f"the {tree} tree has no revision")
    return head


@cache
def _scripts(tree: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(tree))


def _config(tree: str) -> AlembicConfig:
    return AlembicConfig(str(_INI), ini_section=tree)
