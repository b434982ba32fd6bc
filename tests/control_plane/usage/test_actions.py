"""Looking things up in the ledger, newest first, a page at a time; and letting old days go."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from secrets import randbits
from uuid import UUID

import asyncpg
import pytest

from control_plane.usage import actions
from control_plane.usage.months import InvalidMonth
from control_plane.usage.rules import LogEntry, Sought, UnknownToken
from data_plane.ports import RefusedRequest
from data_plane.store.refusals import NotedRefusals
from data_plane.store.usage import StoredUsage
from shared.domain.ids import ClientId, TenantId, uuid7
from shared.runtime.database import Database
from tests.ledgers import RealLedger, issued, opened_ledger
from tests.support import Installation, opened

NOW = datetime.now(UTC)
BUSY, QUIET = "c_busy", "c_quiet"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MONTH = f"{NOW:%Y-%m}"


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator[RealLedger]:
    async with opened_ledger(installation.data_url) as real:
        yield real


def jti_at(at: datetime) -> bytes:
    return uuid7(int(at.timestamp() * 1000), randbits(74)).bytes


async def record(
    real: RealLedger, tenant: TenantId, client_id: str, *times: datetime
) -> list[UUID]:
    """Record a token at each of the times; give the ids, the newest first."""
    jtis = [jti_at(each) for each in times]
    for jti in jtis:
        await real.ledger.record(issued(tenant=tenant, client_id=client_id, jti=jti))
    return sorted((UUID(bytes=each) for each in jtis), reverse=True)


async def refuse(real: RealLedger, tenant: TenantId, *times: datetime) -> None:
    refusals = NotedRefusals()
    for each in times:
        refusals.note(
            RefusedRequest(
                tenant=tenant,
                client_id=QUIET,
                endpoint="token",
                error="invalid_scope",
                reason="the client may not have this scope",
                address="192.0.2.1",
                request_id="r_1",
                at_ms=int(each.timestamp() * 1000),
            )
        )
    await StoredUsage(real.pool, refusals).flush()


def ids(entries: list[LogEntry]) -> list[UUID]:
    return [each.id for each in entries]


async def test_a_token_is_found_by_its_id_by_its_own_tenant(
    database: Database, acme: TenantId, ledger: RealLedger
) -> None:
    (jti,) = await record(ledger, acme, BUSY, NOW)
    found = await actions.find_token(database, acme, str(jti))
    assert (found.jti, found.client_id, found.lifetime) == (jti, BUSY, 60)
    assert abs(found.issued_at - NOW) < timedelta(milliseconds=2)
    (others,) = await record(ledger, TenantId("aaaaaaaaaaaaa"), BUSY, NOW)
    for unknown in (others, UUID(int=1)):
        with pytest.raises(UnknownToken):
            await actions.find_token(database, acme, str(unknown))


async def test_a_log_is_the_newest_first_and_its_pages_miss_and_repeat_nothing(
    database: Database, acme: TenantId, ledger: RealLedger
) -> None:
    of_busy = await record(ledger, acme, BUSY, *(NOW - n * MINUTE / 3 for n in range(10)))
    of_quiet = await record(ledger, acme, QUIET, NOW - DAY, NOW - DAY / 2, NOW)
    await record(ledger, TenantId("aaaaaaaaaaaaa"), BUSY, NOW)
    everything = sorted([*of_busy, *of_quiet], reverse=True)

    async def page(client_id: str | None, **given: UUID) -> list[LogEntry]:
        return await actions.list_log(database, acme, client_id=client_id, limit=4, **given)

    for client_id, expected in ((None, everything), (BUSY, of_busy), (QUIET, of_quiet)):
        found = got = await page(client_id)
        while len(got) == 4:
            got = await page(client_id, before=found[-1].id)
            found += got
        assert ids(found) == expected


async def test_refusals_stand_between_the_tokens_with_their_reason(
    database: Database, acme: TenantId, ledger: RealLedger
) -> None:
    older, newer = NOW - 3 * MINUTE, NOW - MINUTE
    await record(ledger, acme, BUSY, older, newer)
    await refuse(ledger, acme, NOW - 2 * MINUTE, NOW)
    found = await actions.list_log(database, acme, client_id=None, limit=10)
    assert [each.event for each in found] == ["refused", "issued", "refused", "issued"]
    assert (found[0].error, found[0].reason, found[0].address) == (
        "invalid_scope",
        "the client may not have this scope",
        "192.0.2.1",
    )
    of_quiet = await actions.list_log(database, acme, client_id=QUIET, limit=10)
    assert [each.event for each in of_quiet] == ["refused"] * 2


async def test_what_is_new_is_followed(
    database: Database, acme: TenantId, ledger: RealLedger
) -> None:
    await record(ledger, acme, BUSY, NOW - MINUTE)
    (new,) = await record(ledger, acme, BUSY, NOW)
    found = await actions.list_new(database, acme, Sought(), since=NOW, limit=10)
    assert ids(found) == [new]


async def test_usage_is_counted_by_client_api_and_event_of_a_month(
    database: Database, acme: TenantId, ledger: RealLedger
) -> None:
    await record(ledger, acme, BUSY, *[NOW] * 5)
    await record(ledger, acme, QUIET, NOW)
    usage = StoredUsage(ledger.pool, NotedRefusals())
    for _ in range(3):
        usage.count(acme, ClientId(QUIET), "https://api.example", "introspected")
    await usage.flush()
    found = await actions.list_usage(database, acme, MONTH)
    counts = Counter({(each.client_id, each.event): each.count for each in found})
    assert counts == {(BUSY, "issued"): 5, (QUIET, "issued"): 1, (QUIET, "introspected"): 3}
    assert {each.api for each in found} == {"https://api.example"}
    assert await actions.list_usage(database, acme, "2001-01") == []
    with pytest.raises(InvalidMonth):
        await actions.list_usage(database, acme, "last")


async def partitions(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass",
        f"ledger.{table}",
    )
    return sorted(row["name"] for row in rows)


async def test_old_days_go_and_nothing_that_is_kept(fresh: Installation) -> None:
    days = [NOW - each * DAY for each in (20, 21, 22)]
    owner = await asyncpg.connect(fresh.owner_url)
    kept = {each: await partitions(owner, each) for each in ("issued", "usage", "batch")}
    for day in days:
        for table in ("issued", "refused", "batch"):
            await owner.execute("SELECT ledger.make_day($1, $2)", table, day.date())
    long_ago = (NOW - 27 * 31 * DAY).replace(day=1)
    await owner.execute("SELECT ledger.make_month('usage', $1)", long_ago.date())
    await owner.execute(
        "INSERT INTO ledger.account_month VALUES ('a', $1, 1, 5), ('a', $2, 1, 7)",
        f"{long_ago:%Y-%m}",
        MONTH,
    )
    async with opened(fresh.control_url) as database:
        assert await actions.forget_old(database, 21, NOW) == [
            f"issued_{days[2]:%Y%m%d}",
            f"refused_{days[2]:%Y%m%d}",
            f"batch_{days[2]:%Y%m%d}",
            f"usage_{long_ago:%Y%m%d}",
        ]
        assert await actions.forget_old(database, 21, NOW) == []
        assert len(await actions.forget_old(database, 1, NOW)) == 6
    assert {each: await partitions(owner, each) for each in kept} == kept
    assert await owner.fetchval("SELECT sum(issued) FROM ledger.account_month") == 7
    await owner.close()


async def test_a_day_that_somebody_reads_is_left_for_the_next_time(fresh: Installation) -> None:
    owner = await asyncpg.connect(fresh.owner_url)
    old = NOW - 20 * DAY
    await owner.execute("SELECT ledger.make_day('issued', $1)", old.date())
    async with opened(fresh.control_url) as database:
        async with owner.transaction():
            await owner.execute("LOCK TABLE ledger.issued IN ACCESS SHARE MODE")
            with pytest.raises(Exception, match="lock timeout"):
                await actions.forget_old(database, 1, NOW)
        assert f"issued_{old:%Y%m%d}" in await actions.forget_old(database, 1, NOW)
    await owner.close()


async def test_what_is_not_old_cannot_be_dropped(fresh: Installation) -> None:
    control = await asyncpg.connect(fresh.control_url)
    for table, day in (("issued", NOW), ("revocation", NOW - 90 * DAY), ("issued", NOW + DAY)):
        with pytest.raises(asyncpg.RaiseError):
            await control.fetchval("SELECT ledger.drop_partition($1, $2)", table, day.date())
    await control.close()


@pytest.mark.parametrize("join", ["nestloop", "mergejoin", "hashjoin"])
async def test_old_days_are_found_by_any_plan(fresh: Installation, join: str) -> None:
    """No name of another table is taken for a day's, whatever is looked at first."""
    control = await asyncpg.connect(fresh.control_url)
    for each in {"nestloop", "mergejoin", "hashjoin"} - {join}:
        await control.execute(f"SET enable_{each} = off")
    long_ago = (NOW - 3000 * DAY).date()
    assert await control.fetchval("SELECT ledger.drop_partition('issued', $1)", long_ago) is None
    await control.close()
