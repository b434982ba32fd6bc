"""Secrets of the release before, which had no names, have some after the upgrade."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from control_plane.secrets.actions import list_secrets
from migrations import run
from migrations.run import migrate
from shared.domain.ids import ClientId, TenantId, role_of, schema_of
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

_MIGRATIONS = Path(__file__).parents[2] / "migrations"

_INSERT_CLIENT = "INSERT INTO client (client_id, name) VALUES ('c_a', 'a'), ('c_b', 'b')"
_INSERT_SECRETS = """
INSERT INTO client_secret (digest, client_id, pepper_id, last_four, created_at)
VALUES ('1', 'c_a', 'p', 'aaa1', '2026-01-01Z'), ('2', 'c_a', 'p', 'aaa2', '2026-02-01Z'),
       ('3', 'c_b', 'p', 'bbb1', '2026-03-01Z')
"""


def _grants_of_before(tenant: TenantId) -> str:
    schema, role = schema_of(tenant), role_of(tenant)
    return f"""
        GRANT USAGE ON SCHEMA "{schema}" TO "{role}";
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}" TO "{role}";
    """


def _forget() -> None:
    for cached in (run.tenant_head, run.tenant_script, run._scripts):  # noqa: SLF001
        cached.cache_clear()


@pytest.fixture
async def old_tenant(fresh: Installation, release_before: None) -> TenantId:  # noqa: ARG001 - it acts by being there
    async with opened(fresh.control_url) as database:
        made = await add_bare_tenant(database)
    async with opened(fresh.owner_url) as owner, owner.control() as connection:
        await connection.execute(text(f'SET LOCAL search_path = "{schema_of(made)}"'))
        for statement in (_INSERT_CLIENT, _INSERT_SECRETS):
            await connection.execute(text(statement))
    return made


@pytest.fixture
def release_before(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: Installation,  # noqa: ARG001 - it is migrated by this release
) -> Iterator[None]:
    """The tenant tree without 0003 and what follows, until the test begins."""
    shutil.copytree(_MIGRATIONS / "tenant", tmp_path / "tenant")
    for each in (tmp_path / "tenant/versions").glob("*.py"):
        if each.name >= "0003":
            each.unlink()
    (tmp_path / "control").symlink_to(_MIGRATIONS / "control")
    ini = shutil.copy(_MIGRATIONS / "alembic.ini", tmp_path / "alembic.ini")
    monkeypatch.setattr(run, "_INI", Path(ini))
    monkeypatch.setattr("control_plane.tenants.repository.tenant_grants", _grants_of_before)
    _forget()
    yield
    _forget()


async def test_each_secret_of_a_client_has_a_name_of_its_own(
    fresh: Installation, old_tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_INI", _MIGRATIONS / "alembic.ini")
    _forget()
    assert (await migrate(fresh.owner_url)).tenants_migrated == 1
    async with opened(fresh.control_url) as database:
        of_a = await list_secrets(database, old_tenant, ClientId("c_a"))
        of_b = await list_secrets(database, old_tenant, ClientId("c_b"))
    assert [(each.last_four, each.name, each.created_by) for each in (*of_a, *of_b)] == [
        ("aaa1", "secret-1", "operator"),
        ("aaa2", "secret-2", "operator"),
        ("bbb1", "secret-1", "operator"),
    ]
