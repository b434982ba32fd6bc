"""What the support login may do in the database: see what support is to see, and no secret."""

from collections.abc import Iterable
from typing import Any

import asyncpg
import pytest

from control_plane.audit.actions import record_of_account, record_of_staff
from control_plane.audit.rules import Actor, ActorKind, Noted
from shared.domain.ids import TenantId, role_of, schema_of
from shared.runtime.database import SupportDatabase
from tests.migrations.conftest import add_bare_tenant
from tests.migrations.test_roles import logged_in, refused, tenants_in
from tests.support import AUDIT_KEYS, Installation, opened

# What a column is called that rests as a secret, or as what proves or opens one.
_SECRET = (
    *("password", "digest", "sealed", "totp", "secret", "token", "pepper", "public_key"),
    *("credential", "args", "body", "answer", "recovery", "jti"),
)
# What has such a name and is none, or is the app's own to sign its staff in by.
_OWN = {"staff", "staff_passkey", "staff_link", "staff_session", "staff_event"}
_SEEN = {
    ("account_event", "digest"),  # of an event in a chain, as in the two that follow
    ("audit_head", "digest"),
    ("audit_floor", "digest"),
    ("audit_event", "digest"),
    ("stripe_event", "body"),  # what Stripe has told us, which holds no secret
    ("account", "custom_tokens"),
    ("metered_usage", "tokens"),
    ("client", "token_rate"),
    ("client", "token_burst"),
    ("api", "token_lifetime"),
    ("issued", "jti"),  # the id of a token, which opens nothing
}

_COLUMNS = """
SELECT n.nspname AS schema, c.relname AS table, a.attname AS column
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0
  AND NOT a.attisdropped
  AND (n.nspname IN ('control', 'ledger', 'jobs') OR n.nspname = $1)
  AND has_schema_privilege($2, n.oid, 'USAGE')
  AND has_column_privilege($2, c.oid, a.attnum, $3)
"""

_NOT_FOR_SUPPORT = [
    pytest.param("SELECT FROM control.passkey", id="reads-passkeys"),
    pytest.param("SELECT FROM control.session", id="reads-sessions"),
    pytest.param("SELECT password_hash FROM control.person", id="reads-passwords"),
    pytest.param("SELECT * FROM control.person", id="reads-all-of-people"),
    pytest.param("SELECT body FROM control.issuer_snapshot", id="reads-snapshots"),
    pytest.param("UPDATE control.issuer_snapshot SET version = 9", id="publishes"),
    pytest.param("SELECT digest FROM control.invitation", id="reads-invitations"),
    pytest.param("SELECT FROM control.mailed_link", id="reads-links"),
    pytest.param("SELECT FROM control.kept_answer", id="reads-answers"),
    pytest.param("SELECT args FROM jobs.procrastinate_jobs", id="reads-letters"),
    pytest.param("SELECT FROM ledger.replay", id="reads-what-was-presented"),
    pytest.param("UPDATE control.account SET plan = 'business'", id="changes-plans"),
    pytest.param("UPDATE control.member SET role = 'owner'", id="changes-members"),
    pytest.param("DELETE FROM control.tenant", id="deletes-tenants"),
    pytest.param("UPDATE control.subscription SET plan = 'scale'", id="changes-billing"),
    pytest.param("UPDATE control.staff SET role = 'lead'", id="promotes-itself"),
    pytest.param("UPDATE control.staff SET disabled_at = NULL", id="lets-in-again"),
    pytest.param("UPDATE control.staff SET email = 'x'", id="renames-staff"),
    pytest.param(
        "INSERT INTO control.staff (id, email, name, role) VALUES ('x', 'x', 'x', 'lead')",
        id="makes-staff",
    ),
    pytest.param("INSERT INTO control.staff_link VALUES ('x', 'x', now())", id="invites-staff"),
    pytest.param("UPDATE control.staff_event SET action = 'x'", id="rewrites-the-audit"),
    pytest.param("DELETE FROM control.staff_event", id="forgets-the-audit"),
    pytest.param("DELETE FROM control.account_event", id="forgets-an-accounts-log"),
    pytest.param("SELECT control.forget_events('account', 'x', 9)", id="forgets-by-function"),
    pytest.param("UPDATE control.support_grant SET ends_at = 'infinity'", id="stays-for-ever"),
    pytest.param("INSERT INTO control.support_task VALUES ('x', 'x')", id="lengthens-its-list"),
    pytest.param("SELECT control.create_tenant_role('aaaaaaaaaaaaa')", id="makes-tenants-roles"),
    pytest.param("CREATE TABLE control.made (a int)", id="creates-in-control"),
    pytest.param("CREATE TEMPORARY TABLE made (a int)", id="creates-temporary"),
    pytest.param("CREATE SCHEMA made", id="creates-a-schema"),
]


def _support() -> Actor:
    return Actor(kind=ActorKind.STAFF, id="st_x", email="sam@staff.example")


@pytest.fixture
async def two(owned: Installation) -> tuple[TenantId, TenantId]:
    async with opened(owned.control_url) as database:
        return await add_bare_tenant(database), await add_bare_tenant(database)


async def columns_for(owned: Installation, schema: str, right: str) -> set[tuple[str, str]]:
    async with logged_in(owned.support_url) as connection:
        login = await connection.fetchval("SELECT current_user")
    async with logged_in(owned.owner_url) as connection:
        rows: Iterable[Any] = await connection.fetch(_COLUMNS, schema, login, right)
    return {(row["table"], row["column"]) for row in rows}


@pytest.mark.parametrize("statement", _NOT_FOR_SUPPORT)
async def test_supports_login_may_not(owned: Installation, statement: str) -> None:
    async with logged_in(owned.support_url) as connection:
        assert await refused(connection, statement)


async def test_no_column_that_holds_a_secret_is_shown_to_it(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    """Over the whole catalogue, so that a column that is added is asked about too."""
    seen = await columns_for(owned, schema_of(two[0]), "SELECT")
    assert {("client", "name"), ("signing_key", "jwk"), ("person", "email")} <= seen
    assert {
        (table, column)
        for table, column in seen - _SEEN
        if table not in _OWN and any(word in column for word in _SECRET)
    } == set()


async def test_it_writes_what_is_its_own_and_marks_what_the_jobs_are_to_do(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    written = await columns_for(owned, schema_of(two[0]), "UPDATE")
    added = {table for table, _ in await columns_for(owned, schema_of(two[0]), "INSERT")}
    of_account = {column for table, column in written if table == "account"}
    assert {"limits_version", "limits_due"} <= of_account
    bought = {"plan", "overage_cap", "enforcement", "custom_rate", "custom_burst", "custom_tokens"}
    assert of_account & {"id", "name", *bought} == set()
    assert {column for table, column in written if table == "staff"} == {
        *("password_hash", "totp_sealed", "totp_last_step", "signed_in_at"),
    }
    theirs = {"tenant", "member", "person", "subscription", "client", "api", "signing_key"}
    assert theirs & ({table for table, _ in written} | added) == set()


_OF_A_TENANT = (
    'SET LOCAL ROLE "{role}"',
    'SELECT digest FROM "{schema}".client_secret',
    'SELECT sealed FROM "{schema}".signing_key',
    'UPDATE "{schema}".client SET enabled = true',
)


async def test_it_takes_no_tenants_role(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    names = {"role": role_of(two[0]), "schema": schema_of(two[0])}
    async with logged_in(owned.support_url) as connection:
        for statement in _OF_A_TENANT:
            assert await refused(connection, statement.format(**names)), statement


async def test_of_the_ledger_it_sees_the_tenant_that_it_names(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    insert = (
        "INSERT INTO ledger.issued SELECT ledger.first_id_of(current_date), 60, t, 'c'"
        " FROM unnest($1::text[]) t"
    )
    connection: Any = await asyncpg.connect(owned.data_url)
    await connection.execute(insert, list(two))
    await connection.close()
    async with logged_in(owned.support_url) as support:
        assert await tenants_in(support, "ledger.issued") == set()
        for each in two:
            await support.execute("SELECT set_config('support.tenant', $1, true)", each)
            assert await tenants_in(support, "ledger.issued") == {each}


async def test_it_records_in_the_chains_of_accounts_and_of_staff_and_in_no_tenants(
    owned: Installation, two: tuple[TenantId, TenantId]
) -> None:
    database = SupportDatabase(owned.support_url, AUDIT_KEYS)
    try:
        async with database.control() as connection:
            await record_of_account(connection, "operator", _support(), Noted("x", "y"))
            await record_of_staff(connection, _support(), Noted("x", "y"))
    finally:
        await database.close()
    head = "INSERT INTO control.audit_head VALUES ('tenant:{}', 1, now(), '', '', '')"
    async with logged_in(owned.support_url) as support:
        assert await refused(support, head.format(two[0]))


async def test_the_jobs_do_for_it_what_is_on_the_list_and_nothing_else(owned: Installation) -> None:
    async with logged_in(owned.support_url) as support:
        for task in ("send_letter", "", "made_up"):
            point = support.transaction()
            await point.start()
            with pytest.raises(asyncpg.RaiseError, match="support does not ask for this"):
                await support.execute("SELECT control.support_defer($1, '{}')", task)
            await point.rollback()
    async with logged_in(owned.owner_url) as connection:
        await connection.execute("INSERT INTO control.support_task VALUES ('a_test', 'a queue')")
        await connection.execute("""SELECT control.support_defer('a_test', '{"id": "x"}')""")
        made = await connection.fetchrow(
            "SELECT queue_name, args::text FROM jobs.procrastinate_jobs WHERE task_name = 'a_test'"
        )
    assert tuple(made) == ("a queue", '{"id": "x"}')


async def test_a_grant_lasts_an_hour_at_most_whoever_writes_it(owned: Installation) -> None:
    async with logged_in(owned.owner_url) as connection:
        await connection.execute(
            "INSERT INTO control.staff (id, email, name, role) VALUES ('st', 'e', 'n', 'lead')"
        )
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO control.support_grant"
                " VALUES ('g', 'st', 'operator', 'r', '', now(), now() + interval '61 minutes')"
            )
