"""Rotation on a real database, with the clock turned by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.keys.actions import KeyKeeper, list_keys, unopenable_keys
from control_plane.keys.rules import HeldKey, UnknownKey
from control_plane.tenants.actions import NewTenant, create_tenant
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import Kid, TenantId
from shared.domain.snapshot import KeyState
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from shared.runtime.sealing import CannotOpen, Sealer
from tests.conftest import new_installation
from tests.support import Installation, new_slug, opened

NEXT, CURRENT, RETIRED = KeyState.NEXT, KeyState.CURRENT, KeyState.RETIRED
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Kept:
    """A tenant, the keeper of its keys, and the clock that both go by."""

    def __init__(self, database: Database, sealer: Sealer, tenant: TenantId) -> None:
        self.database, self.tenant, self.clock = database, tenant, Clock()
        self.keeper = KeyKeeper(database, sealer, self.clock)

    async def keys(self) -> list[HeldKey]:
        return await list_keys(self.database, self.tenant)

    async def states(self) -> list[KeyState]:
        return sorted(key.state for key in await self.keys())

    async def look_after(self, pause: timedelta) -> None:
        self.clock.now += pause
        while await self.keeper.advance_due():
            pass


@pytest.fixture(scope="module")
def alone(postgres: EmbeddedPostgres) -> Installation:
    """A database without others' tenants: the keeper takes all that are due."""
    return new_installation(postgres.url)


@pytest.fixture
async def database(alone: Installation) -> AsyncIterator[Database]:
    async with opened(alone.control_url) as database:
        yield database


@pytest.fixture
def kept(database: Database, sealer: Sealer, acme: TenantId) -> Kept:
    return Kept(database, sealer, acme)


async def test_a_key_lives_through_all_its_states(kept: Kept) -> None:
    (first,) = await kept.keys()
    await kept.look_after(timedelta(days=89))
    assert await kept.states() == [CURRENT, NEXT]
    await kept.look_after(23 * HOUR)
    assert await kept.states() == [CURRENT, NEXT]  # a day must pass
    await kept.look_after(3 * HOUR)
    assert await kept.states() == [CURRENT, RETIRED]
    await kept.look_after(47 * HOUR)
    assert await kept.states() == [CURRENT, RETIRED]  # a token may live as long
    await kept.look_after(2 * HOUR)
    (second,) = await kept.keys()
    assert (second.state, second.kid != first.kid) == (CURRENT, True)


async def test_what_is_not_due_is_not_looked_at(kept: Kept) -> None:
    await kept.look_after(timedelta(0))  # a new tenant is looked at once
    assert await kept.keeper.advance_due() == 0


async def test_rotating_now_signs_with_the_new_key_a_day_later(kept: Kept) -> None:
    await kept.keeper.rotate(kept.tenant)
    await kept.keeper.rotate(kept.tenant)  # an impatient person makes no third key
    assert await kept.states() == [CURRENT, NEXT]
    await kept.look_after(25 * HOUR)
    assert await kept.states() == [CURRENT, RETIRED]


async def test_a_revoked_current_key_is_gone_at_once_and_replaced(kept: Kept) -> None:
    (first,) = await kept.keys()
    await kept.keeper.revoke(kept.tenant, first.kid)
    (second,) = await kept.keys()
    assert (second.state, second.kid != first.kid) == (CURRENT, True)


async def test_a_revoked_current_key_is_replaced_by_the_one_that_waits(kept: Kept) -> None:
    await kept.keeper.rotate(kept.tenant)
    keys = {key.state: key.kid for key in await kept.keys()}
    await kept.keeper.revoke(kept.tenant, keys[CURRENT])
    (left,) = await kept.keys()
    assert (left.state, left.kid) == (CURRENT, keys[NEXT])


async def test_an_unknown_key_is_refused_and_nothing_changes(kept: Kept) -> None:
    before = await kept.keys()
    with pytest.raises(UnknownKey):
        await kept.keeper.revoke(kept.tenant, Kid("nobody's"))
    assert await kept.keys() == before


async def test_a_deleted_tenant_holds_nobody_up(database: Database, sealer: Sealer) -> None:
    slug = new_slug()
    tenant = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    await delete_tenant(database, slug)
    await Kept(database, sealer, tenant).look_after(timedelta(days=100))


OLD, NEW = Key(b"o" * 32), Key(b"n" * 32)


async def test_a_new_master_key_opens_all_once_they_are_sealed_anew(
    database: Database, quick_keys: None
) -> None:
    del quick_keys
    slug = new_slug()
    tenant = await create_tenant(database, Sealer((OLD,)), NewTenant(slug=slug, name=slug))
    both = KeyKeeper(database, Sealer((NEW, OLD)), Clock())
    assert await both.reseal(tenant) == 1
    assert await both.reseal(tenant) == 0  # a run that is taken up again does nothing twice
    assert await unopenable_keys(database, tenant, Sealer((NEW,))) == []
    assert len(await unopenable_keys(database, tenant, Sealer((OLD,)))) == 1


async def test_without_the_old_master_key_nothing_is_changed(
    database: Database, quick_keys: None
) -> None:
    del quick_keys
    slug = new_slug()
    tenant = await create_tenant(database, Sealer((OLD,)), NewTenant(slug=slug, name=slug))
    with pytest.raises(CannotOpen):
        await KeyKeeper(database, Sealer((NEW,)), Clock()).reseal(tenant)
    assert await unopenable_keys(database, tenant, Sealer((OLD,))) == []
