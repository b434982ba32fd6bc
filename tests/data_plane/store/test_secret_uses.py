"""When a secret was last used: noted at most once a minute, written late, and lost by no outage."""

from datetime import datetime
from ipaddress import ip_address
from secrets import token_bytes
from typing import Any

import asyncpg
import pytest

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.pool import Pool
from data_plane.store.secret_uses import StoredSecretUses
from shared.domain.ids import TenantId
from tests.support import Installation

TENANT = TenantId("aaaaaaaaaaaaa")
NOW = 1_800_000_000


async def held(installation: Installation, digest: bytes) -> list[tuple[float, str]]:
    connection = await asyncpg.connect(installation.data_url)
    rows: list[Any] = await connection.fetch(
        "SELECT used_at, address FROM ledger.secret_use WHERE digest = $1", digest
    )
    await connection.close()
    return [(_seconds(row["used_at"]), row["address"]) for row in rows]


def _seconds(when: datetime) -> float:
    return when.timestamp()


async def test_a_use_is_written_and_the_next_within_a_minute_is_not(
    installation: Installation,
) -> None:
    pool, digest = Pool(installation.data_url), token_bytes(32)
    uses = StoredSecretUses(pool)
    uses.note(TENANT, digest, ip_address("192.0.2.1"), NOW)
    uses.note(TENANT, digest, ip_address("192.0.2.2"), NOW + 59)
    await uses.flush()
    assert await held(installation, digest) == [(NOW, "192.0.2.1")]
    uses.note(TENANT, digest, ip_address("192.0.2.3"), NOW + 60)
    await uses.flush()
    assert await held(installation, digest) == [(NOW + 60, "192.0.2.3")]
    await pool.close()


async def test_an_earlier_use_that_another_worker_writes_late_changes_nothing(
    installation: Installation,
) -> None:
    pool, digest = Pool(installation.data_url), token_bytes(32)
    for used_at in (NOW + 100, NOW):
        uses = StoredSecretUses(pool)
        uses.note(TENANT, digest, ip_address(f"192.0.2.{used_at % 100}"), used_at)
        await uses.flush()
    assert await held(installation, digest) == [(NOW + 100, "192.0.2.0")]
    await pool.close()


async def test_without_the_store_uses_are_kept_for_the_next_time(
    installation: Installation,
) -> None:
    digest = token_bytes(32)
    away = Pool("postgresql://nobody:x@127.0.0.1:9/none")
    uses = StoredSecretUses(away)
    uses.note(TENANT, digest, ip_address("192.0.2.1"), NOW)
    with pytest.raises(TemporarilyUnavailable):
        await uses.flush()
    there = Pool(installation.data_url)
    uses._pool = there  # noqa: SLF001 - the database is back
    await uses.flush()
    assert await held(installation, digest) == [(NOW, "192.0.2.1")]
    await there.close()
