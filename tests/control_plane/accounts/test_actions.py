"""Accounts, and the tenants that they have."""

import pytest

from control_plane.accounts.actions import (
    UnknownAccount,
    create_account,
    list_accounts,
    show_account,
)
from control_plane.accounts.rules import InvalidAccount
from control_plane.tenants.actions import NewTenant, create_tenant, show_tenant
from shared.domain.management import OPERATOR
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.support import new_slug


async def test_an_account_is_shown_as_it_was_made(database: Database) -> None:
    made = await create_account(database, "Ünïcode 名前")
    shown = await show_account(database, made)
    assert (shown.id, shown.name) == (made, "Ünïcode 名前")
    assert await create_account(database, "Ünïcode 名前") != made  # a name is not an id


@pytest.mark.parametrize("name", ["", " ", "a\nb", "n" * 101])
async def test_an_account_needs_a_name(name: str) -> None:
    unreachable = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(InvalidAccount):
        await create_account(unreachable, name)


async def test_the_operators_account_is_there_from_the_first_day(database: Database) -> None:
    assert (await show_account(database, OPERATOR)).id == OPERATOR
    with pytest.raises(UnknownAccount):
        await show_account(database, "a_unknown")


async def test_accounts_are_listed_a_page_at_a_time(database: Database) -> None:
    made = {await create_account(database, "Page") for _ in range(3)}
    found: list[str] = []
    while page := await list_accounts(database, after=found[-1] if found else "", limit=2):
        assert len(page) <= 2
        found += [each.id for each in page]
    assert found == sorted(found)
    assert made < set(found)


@pytest.mark.usefixtures("quick_keys")
async def test_a_tenant_belongs_to_the_account_it_was_made_for(
    database: Database, sealer: Sealer
) -> None:
    account, slug, other = await create_account(database, "Acme"), new_slug(), new_slug()
    await create_tenant(database, sealer, NewTenant(slug=slug, name=slug, account=account))
    await create_tenant(database, sealer, NewTenant(slug=other, name=other))
    assert (await show_tenant(database, slug)).account_id == account
    assert (await show_tenant(database, other)).account_id == OPERATOR
    nobodys = NewTenant(slug=new_slug(), name="x", account="a_unknown")
    with pytest.raises(UnknownAccount):
        await create_tenant(database, sealer, nobodys)
