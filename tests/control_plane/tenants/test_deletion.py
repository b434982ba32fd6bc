"""Deleting a tenant is whole or not at all, wherever it is cut."""

import asyncio

import pytest

from control_plane.tenants.actions import NewTenant, create_tenant, delete_tenant
from shared.runtime.sealing import Sealer
from tests.control_plane.between import Between, Fate
from tests.control_plane.tenants.leftovers import Connection, settle, state
from tests.support import Installation, new_slug, opened

pytestmark = pytest.mark.usefixtures("quick_keys")

_MOST_MESSAGES = 80


async def test_deleting_cut_at_any_message_is_whole_or_not_at_all(
    own: Installation,
    owner: Connection,
    link: Between,
    sealer: Sealer,
) -> None:
    slug = new_slug()
    async with opened(own.control_url) as database:
        made = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    before = await state(owner)
    for number in range(1, _MOST_MESSAGES):
        async with opened(link.url) as database:
            async with database.control() as connection:
                await connection.exec_driver_sql("SELECT 1")
            link.at_message(number, lambda: Fate.IS_LOST)
            outcome = await asyncio.gather(delete_tenant(database, slug), return_exceptions=True)
        await settle(owner, own)
        if outcome[0] is None:
            break
        assert await state(owner) == before
    assert number > 8
    schemas, roles, tenants, _ = await state(owner)
    assert f"t_{made}" not in schemas
    assert f"r_{made}" not in roles
    assert made in tenants  # it holds the slug
