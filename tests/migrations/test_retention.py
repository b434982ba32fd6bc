"""Old events and old partitions go by the jobs' login, whoever owns the database and its tables."""

import asyncpg

from shared.domain.ids import schema_of
from tests.migrations.conftest import add_bare_tenant
from tests.support import Installation, opened

_OF = "'operator', 'o', '', 'client.change', 'c', NULL, NULL, '', '', '', '', 'k'"


async def test_old_events_go_and_the_right_to_it_with_them(owned: Installation) -> None:
    async with opened(owned.control_url) as database:
        tenant = await add_bare_tenant(database)
    table = f'"{schema_of(tenant)}".audit_event'
    login = await asyncpg.connect(owned.control_url)
    try:
        for seq, at in ((1, "now() - interval '9 days'"), (2, "now()")):
            await login.execute(f"INSERT INTO {table} VALUES ({seq}, {at}, {_OF})")  # noqa: S608 - our own text
        forget = "SELECT control.forget_events('tenant', $1, 2)"
        assert await login.fetchval(forget, tenant) == 1
        assert await login.fetchval(f"SELECT min(seq) FROM {table}") == 2  # noqa: S608 - our own text
        rights = "SELECT string_agg(relacl::text, ' ') FROM pg_class WHERE oid = $1::text::regclass"
        granted = await login.fetchval(rights, table)
    finally:
        await login.close()
    assert "d" not in "".join(
        each.partition("/")[0].partition("=")[2] for each in granted.split(",")
    )
