"""A further revision of the tenant tree on twenty tenants: each is at the old or the new one."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.cli.main import main
from migrations import run
from migrations.run import migrate, pending
from shared.domain.ids import TenantId, schema_of
from shared.runtime.database import Database
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

pytestmark = pytest.mark.usefixtures("tree")

_ROOT = Path(__file__).parents[2]
_TENANTS = 20
_PATIENCE = 60.0  # seconds
HEAD = run.tenant_head()

# Two columns with a while between: a cut is likely to fall there.
_FURTHER_REVISION = """
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE api ADD COLUMN note text")
    op.execute("SELECT pg_sleep(0.04)")
    op.execute("ALTER TABLE client ADD COLUMN note text")
    op.execute("CREATE INDEX ix_client_note ON client (note)")
"""

_RUN_WITH_TREE = """
import asyncio, sys
from pathlib import Path
from migrations import run
run._INI = Path(sys.argv[1])
asyncio.run(run.migrate(sys.argv[2]))
"""

_STATES = """
SELECT t.id, t.schema_revision AS revision,
       (SELECT count(*) FROM information_schema.columns
        WHERE table_schema = 't_' || t.id AND column_name = 'note') AS columns,
       EXISTS (SELECT FROM pg_indexes WHERE schemaname = 't_' || t.id
               AND indexname = 'ix_client_note') AS is_indexed
FROM control.tenant t WHERE t.status <> 'deleted'
"""

_BETWEEN = {HEAD: (HEAD, 0, False), "9999": ("9999", 2, True)}


@pytest.fixture
def tree(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tenants: list[TenantId],  # noqa: ARG001 - they are there before the new release is
) -> Iterator[Path]:
    """A copy of the trees whose tenant half has a further revision; `migrate` runs on it."""
    source = _ROOT / "migrations"
    shutil.copytree(source / "tenant", tmp_path / "tenant")
    (tmp_path / "tenant/versions/9999_note.py").write_text(
        _FURTHER_REVISION.replace("{head}", HEAD)
    )
    (tmp_path / "control").symlink_to(source / "control")
    ini = shutil.copy(source / "alembic.ini", tmp_path / "alembic.ini")
    monkeypatch.setattr(run, "_INI", Path(ini))
    _forget()
    yield Path(ini)
    _forget()


def _forget() -> None:
    for cached in (run.tenant_head, run.tenant_script, run._scripts):  # noqa: SLF001
        cached.cache_clear()


@pytest.fixture
async def tenants(fresh: Installation) -> list[TenantId]:
    """Tenants made by the old release."""
    async with opened(fresh.control_url) as database:
        return sorted([await add_bare_tenant(database) for _ in range(_TENANTS)])


@pytest.fixture
async def owner(fresh: Installation) -> AsyncIterator[Database]:
    async with opened(fresh.owner_url) as database:
        yield database


async def revisions(owner: Database) -> dict[str, int]:
    """How many tenants stand at which revision; none stands between."""
    counts = {HEAD: 0, "9999": 0}
    async with owner.control() as connection:
        for row in await connection.execute(text(_STATES)):
            assert (row.revision, row.columns, row.is_indexed) == _BETWEEN[row.revision]
            counts[row.revision] += 1
    return counts


async def test_every_tenant_is_taken_to_the_head(
    tenants: list[TenantId], owner: Database, fresh: Installation
) -> None:
    assert len(await pending(owner)) == len(tenants)
    steps: list[tuple[int, int]] = []
    report = await migrate(fresh.owner_url, lambda done, every: steps.append((done, every)))
    assert (report.tenant_revision, report.tenants_migrated) == ("9999", _TENANTS)
    assert steps == [(number, _TENANTS) for number in range(1, _TENANTS + 1)]
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}
    assert await pending(owner) == []


async def test_a_tenant_made_anew_is_like_one_that_was_migrated(
    tenants: list[TenantId], owner: Database, fresh: Installation
) -> None:
    await migrate(fresh.owner_url)
    async with opened(fresh.control_url) as database:
        made = await add_bare_tenant(database)
    async with owner.control() as connection:
        assert await shape_of(connection, made) == await shape_of(connection, tenants[0])


async def shape_of(connection: AsyncConnection, tenant: TenantId) -> list[tuple[str, ...]]:
    """Tables, columns, owner and rights of a tenant's schema, without the tenant's own name."""
    rows = await connection.execute(
        text(
            "SELECT c.relname, c.relkind::text, c.relowner::regrole::text, c.relacl::text,"
            " a.attname, a.atttypid::regtype::text, a.attnotnull::text"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " WHERE c.relnamespace = to_regnamespace(:schema) ORDER BY c.relname, a.attname"
        ),
        {"schema": schema_of(tenant)},
    )
    return [tuple(str(each).replace(tenant, "…") for each in row) for row in rows]


async def test_one_tenant_that_is_busy_does_not_hold_up_the_others(
    tenants: list[TenantId], owner: Database, fresh: Installation
) -> None:
    others_done = asyncio.Event()

    def progress(done: int, every: int) -> None:
        if done == every - 1:
            others_done.set()

    async with owner.control() as connection:
        await connection.execute(
            text("SELECT FROM control.tenant WHERE id = :id FOR UPDATE"), {"id": tenants[0]}
        )
        task = asyncio.create_task(migrate(fresh.owner_url, progress))
        await asyncio.wait_for(others_done.wait(), _PATIENCE)
    assert (await task).tenants_migrated == _TENANTS
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}


async def test_a_run_that_was_cancelled_is_taken_up_by_the_next(
    owner: Database, fresh: Installation
) -> None:
    def progress(done: int, _: int) -> None:
        if done == 6:
            task.cancel()

    task = asyncio.create_task(migrate(fresh.owner_url, progress))
    await asyncio.wait([task])
    assert task.cancelled()
    moved = (await revisions(owner))["9999"]
    assert 6 <= moved < _TENANTS
    assert (await migrate(fresh.owner_url)).tenants_migrated == _TENANTS - moved
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}


async def test_a_run_that_was_killed_is_taken_up_by_the_next(
    tree: Path, owner: Database, fresh: Installation
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN_WITH_TREE, tree, fresh.owner_url], cwd=_ROOT
    )
    try:
        await _wait_for_some(owner)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(_PATIENCE)
    assert (await revisions(owner))["9999"] < _TENANTS
    await migrate(fresh.owner_url)
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}


async def _wait_for_some(owner: Database) -> None:
    end = time.monotonic() + _PATIENCE
    while (await revisions(owner))["9999"] == 0:
        assert time.monotonic() < end, "the migration does not move"
        await asyncio.sleep(0.005)


async def test_runs_at_once_migrate_each_tenant_once(owner: Database, fresh: Installation) -> None:
    await asyncio.gather(*(migrate(fresh.owner_url) for _ in range(3)))
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}


async def test_a_tenant_that_is_deleted_on_the_way_is_passed_by(
    tenants: list[TenantId], owner: Database, fresh: Installation
) -> None:
    deleting: list[asyncio.Task[None]] = []
    deleted = asyncio.Event()

    def progress(done: int, _: int) -> None:
        if done == 1:
            deleting.append(asyncio.create_task(_delete(fresh, tenants[-1])))
            deleting[0].add_done_callback(lambda _: deleted.set())

    await migrate(fresh.owner_url, progress)
    await deleted.wait()
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS - 1}


async def _delete(fresh: Installation, tenant: TenantId) -> None:
    """What deleting a tenant does to the database; a bare one has published nothing."""
    connection = await asyncpg.connect(fresh.control_url)
    async with connection.transaction():
        await connection.execute(
            "UPDATE control.tenant SET status = 'deleted', deleted_at = now() WHERE id = $1", tenant
        )
        await connection.execute(f'DROP SCHEMA "{schema_of(tenant)}" CASCADE')
        await connection.execute("SELECT control.drop_tenant_role($1)", tenant)
    await connection.close()


def test_a_schema_that_somebody_changed_is_refused_in_one_line_and_named(
    tenants: list[TenantId],
    fresh: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(_spoil(fresh, tenants[7]))
    for name, value in (fresh.environment() | {"DATABASE_URL": fresh.owner_url}).items():
        monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(main, ["migrate", "--json"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert isinstance(refused.exception, SystemExit), repr(refused.exception)
    assert tenants[7] in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


async def _spoil(fresh: Installation, tenant: TenantId) -> None:
    connection = await asyncpg.connect(fresh.owner_url)
    await connection.execute(f'ALTER TABLE "{schema_of(tenant)}".client ADD COLUMN note integer')
    await connection.close()


async def test_a_tenant_that_cannot_be_migrated_does_not_keep_the_others_back(
    tenants: list[TenantId], owner: Database, fresh: Installation
) -> None:
    await _spoil(fresh, tenants[7])
    await asyncio.gather(migrate(fresh.owner_url), return_exceptions=True)
    async with owner.control() as connection:
        await connection.execute(
            text(f'ALTER TABLE "{schema_of(tenants[7])}".client DROP COLUMN note')
        )
    assert await revisions(owner) == {HEAD: 1, "9999": _TENANTS - 1}
    assert (await migrate(fresh.owner_url)).tenants_migrated == 1
    assert await revisions(owner) == {HEAD: 0, "9999": _TENANTS}
