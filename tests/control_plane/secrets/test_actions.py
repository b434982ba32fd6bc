"""The life of a client's secrets on a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import func, select, update

from control_plane.clients.actions import delete_client
from control_plane.publishing.snapshots import UnknownTenant, edit_tenant
from control_plane.secrets.actions import (
    UnknownSecret,
    add_secret,
    cancel_rotation,
    finish_rotation,
    list_secrets,
    revoke_secret,
    start_rotation,
)
from control_plane.secrets.rules import AskedSecret, LastSecret, SecretRefused
from shared.domain.ids import ClientId, TenantId
from shared.runtime.tables.control import issuer_snapshot
from shared.runtime.tables.ledger import secret_use
from shared.runtime.tables.tenant import client_secret
from tests.control_plane.secrets.conftest import Holder
from tests.support import Installation, prove_by_workload


async def version(holder: Holder) -> int:
    async with holder.database.control() as connection:
        found = await connection.scalar(
            select(issuer_snapshot.c.version).where(issuer_snapshot.c.tenant_id == holder.tenant)
        )
    assert isinstance(found, int)
    return found


async def note_use(installation: Installation, holder: Holder, at: datetime) -> None:
    """Write a use of each of its secrets, as the data plane does."""
    async with holder.database.tenant(holder.tenant) as connection:
        digests = (await connection.scalars(select(client_secret.c.digest))).all()
    login = await asyncpg.connect(installation.data_url)
    await login.executemany(
        "INSERT INTO ledger.secret_use VALUES ($1, $2, $3, '203.0.113.9')",
        [(holder.tenant, digest, at) for digest in digests],
    )
    await login.close()


async def let_end(holder: Holder) -> None:
    """Have those of its secrets that expire be expired."""
    async with edit_tenant(holder.database, holder.tenant) as connection:
        await connection.execute(
            update(client_secret)
            .where(client_secret.c.expires_at.is_not(None))
            .values(expires_at=func.now() - timedelta(minutes=1))
        )


async def uses(holder: Holder) -> int:
    async with holder.database.tenant(holder.tenant) as connection:
        return len((await connection.execute(select(secret_use))).all())


async def test_an_added_secret_is_listed_as_it_was_made(holder: Holder) -> None:
    before = await version(holder)
    made = await holder.add("second", expires_in=3600)
    assert await version(holder) == before + 1  # so that workers hear of it
    held = await holder.held()
    assert list(held) == ["first", "second"]
    second = held["second"]
    assert second.last_four == made.client_secret[-4:]
    assert second.created_by == "somebody"
    assert second.expires_at == second.created_at + timedelta(hours=1)
    assert (second.replaced_by, second.used_at, second.used_from) == (None, None, None)


async def test_secrets_without_a_name_have_the_days(holder: Holder) -> None:
    first, second = await holder.add(), await holder.add()
    assert first.name[:2] == "20"
    assert second.name == f"{first.name}-2" or second.name[:10] > first.name  # midnight between


async def test_the_last_use_is_shown_and_goes_with_the_secret(
    installation: Installation, holder: Holder
) -> None:
    at = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    await holder.add("second")
    await note_use(installation, holder, at)
    assert [(each.used_at, each.used_from) for each in (await holder.held()).values()] == [
        (at, "203.0.113.9")
    ] * 2
    await revoke_secret(*holder.whose, "second")
    assert await uses(holder) == 1
    await delete_client(*holder.whose)
    assert await uses(holder) == 0


async def test_of_ten_adds_at_four_live_ones_exactly_one_succeeds(holder: Holder) -> None:
    for name in ("b", "c", "d"):
        await holder.add(name)
    adds = await asyncio.gather(*(holder.add() for _ in range(10)), return_exceptions=True)
    refused = [each for each in adds if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [SecretRefused] * 9
    assert len(await holder.held()) == 5


async def test_an_ended_secret_makes_room_for_its_name_and_for_another(holder: Holder) -> None:
    for name in ("a", "b", "c", "d"):
        await holder.add(name, expires_in=3600)
    with pytest.raises(SecretRefused, match="at most 5"):
        await holder.add("a")
    await let_end(holder)
    assert list(await holder.held()) == ["first", "a", "b", "c", "d"]  # until the next change
    await holder.add("a")
    assert list(await holder.held()) == ["first", "a"]


async def test_a_rotation_whose_old_secrets_have_ended_is_over(holder: Holder) -> None:
    await holder.start(3600, "new")
    await let_end(holder)
    with pytest.raises(SecretRefused, match="no rotation"):
        await cancel_rotation(*holder.whose)
    await holder.start(3600, "newer")
    assert list(await holder.held()) == ["new", "newer"]


async def test_a_revoked_secret_is_gone_and_the_last_only_when_the_caller_says_so(
    holder: Holder,
) -> None:
    await holder.add("second")
    await revoke_secret(*holder.whose, "first")
    with pytest.raises(LastSecret):
        await revoke_secret(*holder.whose, "second")
    assert list(await holder.held()) == ["second"]
    await revoke_secret(*holder.whose, "second", even_last=True)
    assert await holder.held() == {}
    await holder.add("third")


async def test_of_five_parallel_starts_exactly_one_rotation_begins(holder: Holder) -> None:
    starts = await asyncio.gather(*(holder.start(600) for _ in range(5)), return_exceptions=True)
    refused = [each for each in starts if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [SecretRefused] * 4
    held = await holder.held()
    assert len(held) == 2
    assert [each.replaced_by is None for each in held.values()] == [False, True]


async def test_a_rotated_secret_lives_on_for_the_overlap(holder: Holder) -> None:
    made = await holder.start(3600, "new")
    assert made.client_secret != holder.client.client_secret
    held = await holder.held()
    old, new = held["first"], held["new"]
    assert (old.last_four, new.last_four) == (
        holder.client.client_secret[-4:],
        made.client_secret[-4:],
    )
    assert (old.replaced_by, new.replaced_by, new.expires_at) == ("new", None, None)
    assert old.expires_at == new.created_at + timedelta(hours=1)


async def test_rotating_lengthens_no_secrets_life(holder: Holder) -> None:
    await holder.add("short", expires_in=600)
    before = (await holder.held())["short"].expires_at
    await holder.start(86400)
    assert (await holder.held())["short"].expires_at == before


async def test_a_rotation_without_overlap_leaves_the_new_secret_alone(holder: Holder) -> None:
    made = [await holder.start(0) for _ in range(3)]
    (held,) = (await holder.held()).values()
    assert held.last_four == made[-1].client_secret[-4:]
    with pytest.raises(SecretRefused, match="no rotation"):
        await cancel_rotation(*holder.whose)


async def test_a_client_never_has_more_than_five_live_secrets(holder: Holder) -> None:
    for name in ("b", "c", "d", "e"):
        await holder.add(name)
    before = await holder.held()
    with pytest.raises(SecretRefused, match="at most 5"):  # architecture.md section 6
        await holder.start(3600)
    assert await holder.held() == before
    await holder.start(0)
    assert len(await holder.held()) == 1


async def test_finishing_ends_the_old_secrets_now(holder: Holder) -> None:
    await holder.add("second")
    await holder.start(600, "new")
    await holder.add("meanwhile")
    assert await finish_rotation(*holder.whose) == ["first", "second"]
    assert list(await holder.held()) == ["new", "meanwhile"]
    await holder.start(600)  # the next one may begin


async def test_cancelling_takes_the_new_secret_away_and_gives_the_former_expiries_back(
    holder: Holder,
) -> None:
    await holder.add("short", expires_in=60)
    await holder.add("long", expires_in=86400)
    before = await holder.held()
    await holder.start(600, "new")
    assert await holder.held() != before
    assert await cancel_rotation(*holder.whose) == ["new"]
    assert await holder.held() == before


async def test_when_the_new_secret_is_revoked_the_rotation_can_only_be_cancelled(
    holder: Holder,
) -> None:
    before = await holder.held()
    await holder.start(600, "new")
    await revoke_secret(*holder.whose, "new")
    with pytest.raises(SecretRefused, match="cancel"):
        await finish_rotation(*holder.whose)
    assert await cancel_rotation(*holder.whose) == []
    assert await holder.held() == before


async def test_of_finishing_and_cancelling_at_once_exactly_one_succeeds(holder: Holder) -> None:
    await holder.start(600, "new")
    ends = await asyncio.gather(
        *(end(*holder.whose) for end in (finish_rotation, cancel_rotation) for _ in range(3)),
        return_exceptions=True,
    )
    assert len([each for each in ends if isinstance(each, SecretRefused)]) == 5
    assert len(await holder.held()) == 1


@pytest.mark.parametrize("change", [finish_rotation, cancel_rotation])
async def test_without_a_rotation_neither_end_of_it_does_anything(
    holder: Holder, change: Callable[..., Awaitable[object]]
) -> None:
    before = await version(holder)
    with pytest.raises(SecretRefused, match="no rotation"):
        await change(*holder.whose)
    assert await version(holder) == before


@pytest.mark.parametrize("overlap", [-1, 604801])
async def test_a_refused_overlap_changes_no_secret(holder: Holder, overlap: int) -> None:
    before = await holder.held()
    with pytest.raises(SecretRefused):
        await holder.start(overlap)
    assert await holder.held() == before


async def test_a_client_that_proves_itself_otherwise_gets_no_secret(holder: Holder) -> None:
    await prove_by_workload(*holder.whose)
    for attempt in (holder.add(), holder.start(0)):
        with pytest.raises(SecretRefused, match="workload_identity"):
            await attempt
    assert await holder.held() == {}


@pytest.mark.parametrize("missing", ["client", "tenant"])
async def test_what_is_not_there_cannot_be_changed(holder: Holder, missing: str) -> None:
    tenant = TenantId("aaaaaaaaaaaaa") if missing == "tenant" else holder.tenant
    whose = (holder.database, tenant, ClientId("c_nobody"))
    paid = (holder.database, holder.peppers, tenant, ClientId("c_nobody"), AskedSecret())
    for attempt in (
        add_secret(*paid),
        start_rotation(*paid, 60),
        finish_rotation(*whose),
        cancel_rotation(*whose),
        revoke_secret(*whose, "first"),
    ):
        with pytest.raises(UnknownTenant if missing == "tenant" else UnknownSecret):
            await attempt


async def test_an_unknown_name_and_an_unknown_client_are_refused(holder: Holder) -> None:
    with pytest.raises(UnknownSecret, match="this name"):
        await revoke_secret(*holder.whose, "nobody")
    with pytest.raises(UnknownSecret, match="no such client"):
        await list_secrets(holder.database, holder.tenant, ClientId("c_nobody"))
