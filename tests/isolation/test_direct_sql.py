"""Under one tenant's role the rows of another are out of reach, whoever writes the SQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.domain.ids import TenantId, role_of, schema_of
from tests.isolation.populated import Both

# Each plane's login, and nobody else, may take a tenant's role.
PLANES = pytest.mark.parametrize("login", ["control", "data"])

_TABLES = ("api", "client", "client_secret", "client_grant", "signing_key")
_REVOKE = """
INSERT INTO ledger.revocation (tenant, kind, subject, not_before, expires_at)
VALUES ('{a}', 'tenant', '', now(), now() + interval '1 day')
"""
_UPSERT = (
    _REVOKE + "ON CONFLICT (tenant, kind, subject) DO UPDATE SET expires_at = excluded.expires_at"
)

REFUSED = {
    **{f"read-{table}": f'TABLE "{{schema}}".{table}' for table in _TABLES},
    "write": 'UPDATE "{schema}".client SET enabled = false',
    "delete": 'DELETE FROM "{schema}".client',
    "truncate": 'TRUNCATE "{schema}".client CASCADE',
    "create": 'CREATE TABLE "{schema}".mine (x int)',
    "drop": 'DROP SCHEMA "{schema}" CASCADE',
    "grant": 'GRANT ALL ON ALL TABLES IN SCHEMA "{schema}" TO PUBLIC',
    "own-schema-ddl": 'ALTER TABLE "{own}".client ADD COLUMN x int',
    "tenants": "SELECT * FROM control.tenant",
    "snapshots": "SELECT * FROM control.issuer_snapshot",
    "logins": "SELECT * FROM control.login_role",
    "new-role": "SELECT control.create_tenant_role('aaaaaaaaaaaaa')",
    "end-of-a-role": "SELECT control.drop_tenant_role('{a}')",
    "partition": "SELECT * FROM ledger.{partition}",
    "record-a-token": "INSERT INTO ledger.issued SELECT * FROM ledger.issued",
    "forget-a-token": "DELETE FROM ledger.issued",
    "revoke": _REVOKE,
    "revoke-again": _UPSERT,
    "revival": "DELETE FROM ledger.revocation",
    "count-less": "UPDATE ledger.usage SET count = 0",
    "count-nothing": "DELETE FROM ledger.usage",
    "count-of-accounts": "SELECT * FROM ledger.account_month",
    "batches": "SELECT * FROM ledger.batch",
    "refuse": "DELETE FROM ledger.refused",
    "old-days": "SELECT ledger.drop_partition('issued', '2026-01-01')",
    "no-policy": "ALTER TABLE ledger.issued DISABLE ROW LEVEL SECURITY",
}

# Allowed as statements, and empty: the policy leaves only B's rows.
SEES_NOTHING = {
    "issued": "SELECT * FROM ledger.issued WHERE tenant = '{a}'",
    "issued-count": "SELECT 1 FROM ledger.issued HAVING count(*) > 0",
    "usage": "SELECT * FROM ledger.usage WHERE tenant = '{a}'",
    "refused": "SELECT * FROM ledger.refused WHERE tenant = '{a}'",
    "revocation": "SELECT * FROM ledger.revocation WHERE tenant = '{a}'",
    "revocation-update": "UPDATE ledger.revocation SET expires_at = now() RETURNING *",
}


@asynccontextmanager
async def as_tenant_b(
    pair: Both, login: str
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    urls = {"control": pair.installation.control_url, "data": pair.installation.data_url}
    connection = await asyncpg.connect(urls[login])
    try:
        async with connection.transaction():
            await connection.execute(f'SET LOCAL ROLE "{role_of(pair.b.tenant_id)}"')
            yield connection
    finally:
        await connection.close()


async def a_partition(pair: Both) -> str:
    owner = await asyncpg.connect(pair.installation.owner_url)
    name = await owner.fetchval(
        "SELECT relid::text FROM pg_partition_tree('ledger.issued') WHERE isleaf LIMIT 1"
    )
    await owner.close()
    return str(name).removeprefix("ledger.")


def written(statement: str, pair: Both, partition: str = "") -> str:
    a, b = pair.a.tenant_id, pair.b.tenant_id
    return statement.format(a=a, schema=schema_of(a), own=schema_of(b), partition=partition)


@PLANES
@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
async def test_it_is_refused_under_the_role_of_another_tenant(
    statement: str, login: str, pair: Both
) -> None:
    before = pair.dump_of_a()
    sql = written(statement, pair, await a_partition(pair))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_tenant_b(pair, login) as connection:
            await connection.execute(sql)
    assert pair.dump_of_a() == before


@PLANES
@pytest.mark.parametrize("statement", SEES_NOTHING.values(), ids=SEES_NOTHING)
async def test_the_ledger_of_another_tenant_is_empty(
    statement: str, login: str, pair: Both
) -> None:
    before = pair.dump_of_a()
    async with as_tenant_b(pair, login) as connection:
        assert await connection.fetch(written(statement, pair)) == []
    assert pair.dump_of_a() == before


async def test_the_data_planes_login_itself_reaches_no_tenants_rows(pair: Both) -> None:
    """NOINHERIT: what a login may become it is not yet."""
    connection = await asyncpg.connect(pair.installation.data_url)
    for statement in (REFUSED["read-client"], SEES_NOTHING["issued"]):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(written(statement, pair))
    await connection.close()


async def test_the_role_ends_with_the_transaction(pair: Both) -> None:
    connection = await asyncpg.connect(pair.installation.data_url)
    login = await connection.fetchval("SELECT current_user")
    async with connection.transaction():
        await connection.execute(f'SET LOCAL ROLE "{role_of(pair.b.tenant_id)}"')
    assert await connection.fetchval("SELECT current_user") == login
    await connection.close()


async def test_a_tenants_role_cannot_log_in(pair: Both) -> None:
    owner = await asyncpg.connect(pair.installation.owner_url)
    can = await owner.fetchrow(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname = $1",
        role_of(TenantId(pair.a.tenant_id)),
    )
    await owner.close()
    assert can is not None
    assert not any(can.values())
