"""`migrate --check` and `doctor`: what they find, and how they say it."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from control_plane.cli import doctor
from migrations.run import head_of
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.control_plane.cli.conftest import Cli, Stocked
from tests.mail_server import run_mail_server
from tests.stripe_double.faults import Fault
from tests.stripe_double.server import run_stripe_double
from tests.support import PEPPER, Installation, Server
from tests.valkey import run_valkey


def examine(cli: Cli, **variables: str | None) -> dict[str, dict[str, Any]]:
    """Give what doctor found, by check; its exit code says whether all is well."""
    result = cli.run("doctor", "--json", **variables)
    found = {each["check"]: each for each in json.loads(result.stdout)["checks"]}
    assert result.exit_code == (0 if all(each["ok"] for each in found.values()) else 1)
    return found


def bad(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, each in found.items() if not each["ok"]]


@pytest.mark.usefixtures("stocked")
def test_a_sound_installation_passes_every_check(cli: Cli) -> None:
    found = examine(cli)
    assert bad(found) == []
    assert list(found) == [
        *("configuration", "database", "migrations", "clock", "signing keys", "discovery"),
        *("redis", "mail", "jobs", "stripe", "support"),
    ]
    text = cli.text("doctor").stdout
    assert text.count("ok ") == len(found)


@pytest.mark.usefixtures("stocked")
def test_a_redis_that_answers_is_well_and_one_that_does_not_is_found(cli: Cli) -> None:
    with run_valkey() as valkey:
        assert examine(cli, REDIS_URL=valkey.url)["redis"]["detail"] == (
            "limits and sessions are shared"
        )
        valkey.client.config_set("maxmemory", "1")
        assert bad(examine(cli, REDIS_URL=valkey.url)) == ["redis"]
    found = examine(cli, REDIS_URL=valkey.url)
    assert bad(found) == ["redis"]
    assert "REDIS_URL" in found["redis"]["detail"]


def test_mail_is_needed_once_people_sign_up(cli: Cli) -> None:
    """Nobody mails from a machine that only issues tokens."""
    found = examine(cli, SMTP_URL=None)["mail"]
    assert found["ok"]
    assert "SMTP_URL is not set" in found["detail"] or found["detail"] == "127.0.0.1:25"


@pytest.mark.usefixtures("stocked")
def test_a_mail_server_that_answers_is_well_and_one_that_does_not_is_found(cli: Cli) -> None:
    with run_mail_server() as server:
        assert examine(cli, SMTP_URL=server.url)["mail"]["detail"].endswith(str(server.port))
        signed_in = server.url.replace("//", "//ann:c4n4ry@")
        found = examine(cli, SMTP_URL=signed_in)
        assert bad(found) == ["mail"]
        assert "c4n4ry" not in str(found)
    found = examine(cli, SMTP_URL=server.url)
    assert bad(found) == ["mail"]
    assert "SMTP_URL" in found["mail"]["detail"]


def ask(cli: Cli, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(str(cli.environment["DATABASE_URL"]))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@pytest.mark.usefixtures("stocked")
def test_work_that_nobody_does_and_jobs_that_were_given_up_are_found(cli: Cli) -> None:
    run = "INSERT INTO control.periodic_run VALUES ('x', 60, {at}, {at}, '', NULL)"
    job = """SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[
    ROW('mail', 'send_letter', 0, NULL, NULL, '{}', NULL)
    ]::jobs.procrastinate_job_to_defer_v1[]);
    UPDATE jobs.procrastinate_jobs SET status = 'failed'"""
    try:
        ask(cli, run.format(at="now()"))
        assert "background work was done" in examine(cli)["jobs"]["detail"]
        ask(cli, job)
        found = examine(cli)
        assert bad(found) == ["jobs"]
        assert found["jobs"]["detail"].startswith("1 jobs were given up")
        ask(cli, "DELETE FROM jobs.procrastinate_jobs")
        ask(cli, "UPDATE control.periodic_run SET ran_at = now() - interval '1 hour'")
        found = examine(cli)
        assert bad(found) == ["jobs"]
        assert "serve jobs" in found["jobs"]["detail"]
    finally:
        ask(cli, "DELETE FROM jobs.procrastinate_jobs; DELETE FROM control.periodic_run")


@pytest.mark.usefixtures("stocked")
def test_a_stripe_that_tells_us_nothing_is_found(cli: Cli) -> None:
    event = "INSERT INTO control.stripe_event (id, type, livemode, body, received_at, fetched)"
    with run_stripe_double() as double:
        sold = {
            "STRIPE_API_KEY": double.key,
            "STRIPE_WEBHOOK_SECRET": double.secret,
            "STRIPE_API_BASE": double.url,
        }
        assert "stripe sync" in examine(cli, **sold)["stripe"]["detail"]
        assert cli.run("stripe", "sync", **sold).exit_code == 0
        assert examine(cli, **sold)["stripe"]["detail"].endswith("none yet")
        try:
            ask(cli, f"{event} VALUES ('evt_1', 'x', false, '', now(), true)")
            found = examine(cli, **sold)
            assert bad(found) == ["stripe"]
            assert "/webhooks/stripe" in found["stripe"]["detail"]
            ask(cli, f"{event} VALUES ('evt_2', 'x', false, '', now(), false)")
            assert bad(examine(cli, **sold)) == []
        finally:
            ask(cli, "DELETE FROM control.stripe_event")
        double.faults.add(Fault(status=401, times=None))
        assert bad(examine(cli, **sold)) == ["stripe"]


def test_a_suspended_tenant_is_no_trouble(cli: Cli, stocked: Stocked) -> None:
    cli.json("tenant", "suspend", stocked.slug)
    assert bad(examine(cli)) == []


@pytest.mark.usefixtures("stocked")
def test_a_wrong_master_key_is_found(cli: Cli) -> None:
    found = examine(cli, MASTER_KEY=PEPPER)
    assert bad(found) == ["signing keys"]
    assert "MASTER_KEY" in found["signing keys"]["detail"]


@pytest.mark.usefixtures("stocked")
def test_a_master_key_that_is_being_replaced_is_no_trouble(cli: Cli) -> None:
    assert bad(examine(cli, MASTER_KEY=f"{PEPPER},{cli.environment['MASTER_KEY']}")) == []


@pytest.mark.usefixtures("stocked")
def test_an_issuer_that_is_not_reached_is_found(cli: Cli) -> None:
    assert bad(examine(cli, PUBLIC_URL="http://127.0.0.1:1")) == ["discovery"]


@pytest.mark.usefixtures("stocked")
def test_an_issuer_of_another_name_is_found(cli: Cli) -> None:
    elsewhere = str(cli.environment["PUBLIC_URL"]).replace("127.0.0.1", "localhost")
    found = examine(cli, PUBLIC_URL=elsewhere)
    assert bad(found) == ["discovery"]
    assert "PUBLIC_URL" in found["discovery"]["detail"]


@pytest.mark.usefixtures("stocked")
def test_an_issuer_that_speaks_no_json_is_found(cli: Cli, stranger: str) -> None:
    assert bad(examine(cli, PUBLIC_URL=stranger)) == ["discovery"]


def test_a_missing_variable_is_found(cli: Cli) -> None:
    found = examine(cli, SECRET_PEPPER=None)
    assert bad(found) == ["configuration"]
    assert "SECRET_PEPPER" in found["configuration"]["detail"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://u:c4n4ry@127.0.0.1:1/auth", id="nobody-listens"),
        pytest.param("postgresql://u:c4n4ry@127.0.0.1:port/auth", id="port-no-number"),
    ],
)
def test_an_unreachable_database_is_found(cli: Cli, url: str) -> None:
    found = examine(cli, DATABASE_URL=url)
    assert bad(found) in (["database"], ["configuration"])
    assert "c4n4ry" not in str(found)


def test_a_refused_password_is_found(cli: Cli) -> None:
    login, _, place = str(cli.environment["DATABASE_URL"]).rpartition("@")
    assert bad(examine(cli, DATABASE_URL=f"{login}x@{place}")) == ["database"]


def test_a_database_that_never_answers_is_found() -> None:
    async def time_out() -> str:
        raise TimeoutError  # as asyncpg does: without a word

    finding = asyncio.run(doctor._finding("database", time_out()))  # noqa: SLF001
    assert not finding.ok
    assert finding.detail


@pytest.mark.usefixtures("stocked")
def test_a_clock_that_is_off_is_found(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 60)
    found = examine(cli)
    assert bad(found) == ["clock"]
    assert "+60" in found["clock"]["detail"]


@contextmanager
def at_revision(installation: Installation, revision: str) -> Iterator[None]:
    """Have the control schema stand at another revision for a while."""

    async def move(to: str) -> None:
        connection = await asyncpg.connect(installation.owner_url)
        await connection.execute("UPDATE control.alembic_version SET version_num = $1", to)
        await connection.close()

    asyncio.run(move(revision))
    try:
        yield
    finally:
        asyncio.run(move(head_of("control")))


def test_a_pending_migration_is_found(cli: Cli, quiet_server: Server) -> None:
    with at_revision(quiet_server.installation, "0000"):
        found = examine(cli)
        assert bad(found) == ["migrations"]
        assert "auth-service migrate" in found["migrations"]["detail"]
        check = cli.run("migrate", "--check", "--json")
        behind = f"control: 0000 -> {head_of('control')}"
        assert (check.exit_code, check.stdout) == (1, f'{{"pending":["{behind}"]}}\n')
    assert bad(examine(cli)) == []


def test_an_empty_database_is_found(cli: Cli, empty_database: str) -> None:
    assert bad(examine(cli, DATABASE_URL=empty_database)) == ["migrations"]


def test_check_says_what_migrate_would_do_and_migrate_does_it(
    cli: Cli, empty_database: str
) -> None:
    owner: dict[str, str | None] = {"DATABASE_URL": empty_database}
    check = cli.run("migrate", "--check", **owner)
    assert (check.exit_code, check.stdout) == (1, "the database is empty\n")
    made = cli.json("migrate", **owner)
    heads = {"control_revision": head_of("control"), "tenant_revision": head_of("tenant")}
    assert made == heads | {"tenants_migrated": 0}
    check = cli.run("migrate", "--check", **owner)
    assert (check.exit_code, check.stdout) == (0, "Nothing to do.\n")
    assert cli.json("migrate", "--check", **owner) == {"pending": []}
    again = cli.text("migrate", **owner)
    assert f"The database is at {head_of('control')}" in again.stdout
    assert "Next: auth-service doctor" in again.stderr


def test_a_login_that_may_not_migrate_is_refused_in_one_line(
    cli: Cli, postgres: EmbeddedPostgres
) -> None:
    other = new_installation(postgres.url)
    with at_revision(other, "0000"):
        cli.refusal("migrate", DATABASE_URL=other.data_url)
