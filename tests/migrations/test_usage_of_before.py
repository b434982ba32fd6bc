"""What the release before has not counted, or not rolled up, is counted by the upgrade."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import randbits, token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from migrations import run
from migrations.run import migrate
from shared.domain.ids import uuid7
from shared.runtime.embedded import EmbeddedPostgres
from tests.migrations.conftest import as_plain_login

_MIGRATIONS = Path(run.__file__).parent
_ACME, _OTHER = "aaaaaaaaaaaaa", "bbbbbbbbbbbbb"
_TENANT = """
INSERT INTO control.tenant (id, slug, name, status, schema_revision, account_id)
VALUES ($1, $1, $1, 'active', $2, $3)
"""
_DAY = "INSERT INTO ledger.usage_day VALUES ($1, $2, $3, 'c_1', '', 'issued')"


@contextmanager
def release_before(directory: Path, revision: str) -> Iterator[None]:
    """Take the control tree's revision and what follows away."""
    shutil.copytree(_MIGRATIONS / "control", directory / "control")
    for each in (directory / "control/versions").glob("*.py"):
        if each.name >= revision:
            each.unlink()
    (directory / "tenant").symlink_to(_MIGRATIONS / "tenant")
    ini = shutil.copy(_MIGRATIONS / "alembic.ini", directory / "alembic.ini")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "_INI", Path(ini))
        _forget()
        yield
    _forget()


def _forget() -> None:
    for cached in (run.tenant_head, run.tenant_script, run._scripts):  # noqa: SLF001
        cached.cache_clear()


@pytest.fixture(params=[pytest.param(False, id="superuser"), pytest.param(True, id="plain-owner")])
def owner_url(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    """An empty database's; a plain owner is held by row-level security that is forced."""
    url = as_plain_login(postgres.url) if request.param else postgres.url
    name = f"before_{token_hex(4)}"

    async def make() -> None:
        connection: Any = await asyncpg.connect(url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def jti_at(when: datetime) -> str:
    return str(uuid7(int(when.timestamp() * 1000), randbits(74)))


async def test_every_token_of_before_is_counted_in_its_hour_minute_and_month(
    owner_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    with release_before(tmp_path, "0004"):
        await migrate(owner_url)
    owner: Any = await asyncpg.connect(owner_url)
    async with owner.transaction():
        await owner.execute("ALTER TABLE ledger.issued NO FORCE ROW LEVEL SECURITY")
        await owner.execute("INSERT INTO control.account (id, name) VALUES ('a_1', 'One')")
        for tenant, account in ((_ACME, "a_1"), (_OTHER, "operator")):
            await owner.execute(_TENANT, tenant, run.tenant_head(), account)
        rows = [
            (jti_at(hour.replace(minute=minute)), 60, tenant, client_id)
            for minute, tenant, client_id in (
                (0, _ACME, "c_1"),
                (59, _ACME, "c_1"),
                (59, _ACME, "c_1"),
                (7, _ACME, "c_2"),
                (7, _OTHER, "c_1"),
            )
        ]
        await owner.executemany("INSERT INTO ledger.issued VALUES ($1, $2, $3, $4)", rows)
        await owner.execute("ALTER TABLE ledger.issued FORCE ROW LEVEL SECURITY")
    await migrate(owner_url)
    async with owner.transaction():
        for table in ("usage", "account_month", "issued"):
            await owner.execute(f"ALTER TABLE ledger.{table} NO FORCE ROW LEVEL SECURITY")
        used = await owner.fetch(
            "SELECT tenant, client_id, hour, minutes, count FROM ledger.usage ORDER BY 1, 2"
        )
        months = await owner.fetch("SELECT account, month, issued FROM ledger.account_month")
        assert await owner.fetchval("SELECT count(*) FROM ledger.issued") == 5
        for table in ("usage", "account_month", "issued"):
            await owner.execute(f"ALTER TABLE ledger.{table} FORCE ROW LEVEL SECURITY")
    await owner.close()
    assert [tuple(row) for row in used] == [
        (_ACME, "c_1", hour, 1 << 59 | 1, 3),
        (_ACME, "c_2", hour, 1 << 7, 1),
        (_OTHER, "c_1", hour, 1 << 7, 1),
    ]
    month = f"{now:%Y-%m}"
    assert sorted(map(tuple, months)) == [("a_1", month, 4), ("operator", month, 1)]


async def test_days_of_before_are_rolled_up_by_month(owner_url: str, tmp_path: Path) -> None:
    with release_before(tmp_path, "0020"):
        await migrate(owner_url)
    owner: Any = await asyncpg.connect(owner_url)
    days = [(date(2026, 9, 30), 1), (date(2026, 10, 1), 2), (date(2026, 10, 31), 4)]
    for day, count in days:
        await owner.execute("SELECT ledger.make_month('usage_day', $1)", day.replace(day=1))
        await owner.execute(_DAY, day, count, _ACME)
    await migrate(owner_url)
    months = await owner.fetch("SELECT month, count, tenant FROM ledger.usage_month ORDER BY 1")
    await owner.close()
    assert list(map(tuple, months)) == [(date(2026, 9, 1), 1, _ACME), (date(2026, 10, 1), 6, _ACME)]
