"""Deleting a tenant is whole or not at all, wherever it is cut; for a week it can be undone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import delete, insert, text
from sqlalchemy.exc import DBAPIError

from control_plane.audit.actions import LAST, list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain
from control_plane.limits.rules import LimitReached
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.tenants.actions import (
    InvalidTenant,
    NewTenant,
    create_tenant,
    rename_tenant,
    resume_tenant,
    show_tenant,
    suspend_tenant,
)
from control_plane.tenants.deletion import (
    UNDO_FOR,
    ask_deletion,
    delete_due,
    delete_tenant,
    undo_deletion,
)
from control_plane.tenants.repository import TenantRow
from shared.domain.ids import schema_of, tenant_id
from shared.domain.snapshot import IssuerSnapshot, TenantStatus
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from shared.runtime.tables.control import tenant as tenants
from shared.runtime.tables.ledger import secret_use
from tests.control_plane.between import Between, Fate
from tests.control_plane.console import make_account
from tests.control_plane.tenants.leftovers import Connection, settle, state
from tests.support import Installation, new_slug, opened

pytestmark = pytest.mark.usefixtures("quick_keys")

_MOST_MESSAGES = 80


async def when_due(database: Database, _: str = "") -> None:
    """Delete as the background work does a week later."""
    await delete_due(database, datetime.now(UTC) + UNDO_FOR + timedelta(minutes=1))


@pytest.mark.parametrize("removal", [delete_tenant, when_due])
async def test_deleting_cut_at_any_message_is_whole_or_not_at_all(
    own: Installation,
    owner: Connection,
    link: Between,
    sealer: Sealer,
    removal: Callable[[Database, str], Awaitable[object]],
) -> None:
    slug = new_slug()
    async with opened(own.control_url) as database:
        made = await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
        if removal is when_due:
            await ask_deletion(database, slug, datetime.now(UTC), "https://console.test")
    before = await state(owner)
    for number in range(1, _MOST_MESSAGES):
        async with opened(link.url) as database:
            async with database.control() as connection:
                await connection.exec_driver_sql("SELECT 1")
            link.at_message(number, lambda: Fate.IS_LOST)
            outcome = await asyncio.gather(removal(database, slug), return_exceptions=True)
        await settle(owner, own)
        if not isinstance(outcome[0], BaseException):
            break
        assert await state(owner) == before
    assert number > 8
    schemas, roles, tenants, _ = await state(owner)
    assert f"t_{made}" not in schemas
    assert f"r_{made}" not in roles
    assert made in tenants  # it holds the slug


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


@pytest.fixture
async def slug(database: Database, sealer: Sealer, account: str) -> str:
    slug = new_slug()
    await create_tenant(database, sealer, NewTenant(slug=slug, name=slug, account=account))
    return slug


async def published(database: Database, slug: str) -> IssuerSnapshot:
    query = text("SELECT body FROM control.issuer_snapshot WHERE slug = :slug")
    async with database.control() as connection:
        body = await connection.scalar(query, {"slug": slug})
    return msgspec.json.decode(str(body), type=IssuerSnapshot)


async def ask(database: Database, slug: str) -> TenantRow:
    await ask_deletion(database, slug, datetime.now(UTC), "https://console.test")
    return await show_tenant(database, slug)


async def actions_of(database: Database, account: str) -> list[str]:
    chain = Chain(ACCOUNT, account)
    events = await list_events(database, chain, Sought(), before=LAST, limit=100)
    return [each.action for each in events]


async def test_a_tenant_on_its_way_out_issues_no_more_and_keeps_its_keys(
    database: Database, slug: str, account: str
) -> None:
    before = await published(database, slug)
    held = await ask(database, slug)
    assert held.status is TenantStatus.ACTIVE
    assert held.deletes_at is not None
    assert held.deletes_at - UNDO_FOR < datetime.now(UTC) < held.deletes_at
    after = await published(database, slug)
    assert (after.status, after.signing_keys) == (TenantStatus.SUSPENDED, before.signing_keys)
    assert (await ask(database, slug)).deletes_at == held.deletes_at  # the first time counts
    assert (await actions_of(database, account))[:2] == ["tenant.ask_deletion", "tenant.create"]


@pytest.mark.parametrize("suspended", [False, True], ids=["active", "suspended"])
async def test_undone_it_is_as_it_was(
    database: Database, slug: str, account: str, *, suspended: bool
) -> None:
    if suspended:
        await suspend_tenant(database, slug)
    was = (await published(database, slug)).status
    await ask(database, slug)
    for verb in (suspend_tenant, resume_tenant):
        with pytest.raises(InvalidTenant, match="undo its deletion"):
            await verb(database, slug)
    await undo_deletion(database, slug)
    assert (await published(database, slug)).status is was
    assert (await show_tenant(database, slug)).deletes_at is None
    await undo_deletion(database, slug)  # again changes nothing
    assert (await actions_of(database, account))[0] == "tenant.undo_deletion"
    await when_due(database)
    assert (await show_tenant(database, slug)).status is was


async def test_it_goes_after_a_week_and_not_before(
    database: Database, slug: str, account: str, installation: Installation
) -> None:
    asked = await ask(database, slug)
    await _use_a_secret(installation, asked)
    assert asked.deletes_at is not None
    await delete_due(database, asked.deletes_at - timedelta(seconds=1))
    await show_tenant(database, slug)
    await delete_due(database, asked.deletes_at)
    with pytest.raises(UnknownTenant):
        await show_tenant(database, slug)
    async with database.control() as connection:
        query = text("SELECT to_regnamespace(:schema)")
        assert await connection.scalar(query, {"schema": schema_of(asked.id)}) is None
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        uses = secret_use.select().where(secret_use.c.tenant == asked.id)
        assert (await connection.execute(uses)).all() == []
    chain = Chain(ACCOUNT, account)
    (last,) = await list_events(database, chain, Sought(), before=LAST, limit=1)
    assert (last.action, last.actor_kind) == ("tenant.delete", "schedule")
    assert (await published(database, slug)).status is TenantStatus.DELETED


async def test_one_that_cannot_go_holds_up_no_other(
    database: Database, sealer: Sealer, slug: str, account: str, installation: Installation
) -> None:
    stuck = await ask(database, slug)
    other = NewTenant(slug=new_slug(), name="B", account=account)
    await create_tenant(database, sealer, other)
    await ask(database, other.slug)
    login = urlsplit(installation.control_url).username
    schema = schema_of(stuck.id)
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(text(f'ALTER SCHEMA "{schema}" OWNER TO CURRENT_USER'))
    with pytest.raises(DBAPIError, match="must be owner"):
        await when_due(database)
    with pytest.raises(UnknownTenant):
        await show_tenant(database, other.slug)
    assert (await show_tenant(database, slug)).deletes_at == stuck.deletes_at
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(text(f'ALTER SCHEMA "{schema}" OWNER TO "{login}"'))
    await when_due(database)
    with pytest.raises(UnknownTenant):
        await show_tenant(database, slug)


async def _use_a_secret(installation: Installation, tenant: TenantRow) -> None:
    """Have the ledger know an address from which a secret of it was used."""
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(
            insert(secret_use).values(
                tenant=tenant.id, digest=b"d", used_at=datetime.now(UTC), address="192.0.2.1"
            )
        )


async def test_its_room_is_free_at_once_and_undoing_needs_room_again(
    database: Database, sealer: Sealer, slug: str, account: str
) -> None:
    with pytest.raises(LimitReached):
        await create_tenant(database, sealer, NewTenant(slug=new_slug(), name="B", account=account))
    await ask(database, slug)
    other = NewTenant(slug=new_slug(), name="B", account=account)
    await create_tenant(database, sealer, other)
    with pytest.raises(LimitReached):
        await undo_deletion(database, slug)
    assert (await show_tenant(database, slug)).deletes_at is not None
    await delete_tenant(database, other.slug)
    await undo_deletion(database, slug)


async def test_an_account_has_only_so_many_on_their_way_out(
    database: Database, slug: str, account: str, installation: Installation
) -> None:
    goes = datetime.now(UTC) + timedelta(days=3)
    rows = [
        {
            "id": tenant_id(token_bytes(8)),
            "slug": new_slug(),
            "name": "Thing",
            "account_id": account,
            "status": "active",
            "schema_revision": "0001",
            "deletes_at": goes,
        }
        for _ in range(20)
    ]
    async with database.control() as connection:
        await connection.execute(insert(tenants), rows)
    try:
        with pytest.raises(InvalidTenant, match=f"gone on {goes:%Y-%m-%d}"):
            await ask(database, slug)
    finally:  # they have no schema that another test could drop
        async with opened(installation.owner_url) as owner, owner.control() as connection:
            await connection.execute(delete(tenants).where(tenants.c.deletes_at == goes))


async def test_a_name_can_be_changed_and_stays_a_name(
    database: Database, slug: str, account: str
) -> None:
    await rename_tenant(database, slug, "Ünïcode 名前")
    assert (await show_tenant(database, slug)).name == "Ünïcode 名前"
    with pytest.raises(InvalidTenant):
        await rename_tenant(database, slug, "two\nlines")
    assert (await actions_of(database, account))[0] == "tenant.rename"


@pytest.mark.parametrize("removal", [delete_tenant, ask])
async def test_the_products_own_tenant_stays(
    database: Database, removal: Callable[[Database, str], Awaitable[object]]
) -> None:
    with pytest.raises(InvalidTenant, match="cannot be deleted"):
        await removal(database, "system")
