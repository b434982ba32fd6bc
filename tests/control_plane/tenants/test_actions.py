"""Tenants from creation to deletion, on a real database."""

import asyncio
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from control_plane.publishing.snapshots import UnknownTenant, edit_tenant
from control_plane.tenants.actions import (
    InvalidTenant,
    NewTenant,
    SlugTaken,
    create_tenant,
    list_tenants,
    resume_tenant,
    show_tenant,
    suspend_tenant,
)
from control_plane.tenants.deletion import delete_tenant
from shared.domain.ids import TenantId, role_of, schema_of
from shared.domain.issuer import MalformedSlug
from shared.domain.snapshot import IssuerSnapshot, TenantStatus
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.support import Installation, new_slug, opened

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def slug(database: Database, sealer: Sealer) -> str:
    """The slug of a tenant."""
    slug = new_slug()
    await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    return slug


async def published(database: Database, slug: str) -> list[IssuerSnapshot]:
    query = text("SELECT body FROM control.issuer_snapshot WHERE slug = :slug")
    async with database.control() as connection:
        bodies = await connection.scalars(query, {"slug": slug})
    return [msgspec.json.decode(body, type=IssuerSnapshot) for body in bodies]


async def move_deletion(installation: Installation, tenant: TenantId, days: int) -> None:
    """Have the tenant be deleted some days ago."""
    statement = (
        "UPDATE control.tenant SET deleted_at = now() - make_interval(days => :days) WHERE id = :id"
    )
    async with opened(installation.owner_url) as owner, owner.control() as connection:
        await connection.execute(text(statement), {"days": days, "id": tenant})


async def test_a_tenant_is_shown_as_it_was_made(database: Database, sealer: Sealer) -> None:
    slug = new_slug()
    made = await create_tenant(database, sealer, NewTenant(slug=slug, name="Ünïcode 名前"))
    shown = await show_tenant(database, slug)
    assert (shown.id, shown.slug, shown.name) == (made, slug, "Ünïcode 名前")
    assert (shown.status, shown.deleted_at) == (TenantStatus.ACTIVE, None)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        pytest.param(NewTenant(slug="No", name="a"), MalformedSlug, id="slug-malformed"),
        pytest.param(NewTenant(slug="oauth", name="a"), MalformedSlug, id="slug-reserved"),
        pytest.param(NewTenant(slug="fine-slug", name=""), InvalidTenant, id="name-empty"),
        pytest.param(NewTenant(slug="fine-slug", name="a\nb"), InvalidTenant, id="name-two-lines"),
        pytest.param(NewTenant(slug="fine-slug", name="n" * 101), InvalidTenant, id="name-long"),
    ],
)
async def test_a_tenant_that_cannot_be_is_refused_before_the_database_is_asked(
    sealer: Sealer, new: NewTenant, error: type[Exception]
) -> None:
    unreachable = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(error):
        await create_tenant(unreachable, sealer, new)


async def test_a_slug_that_is_in_use_is_taken(
    database: Database, sealer: Sealer, slug: str
) -> None:
    with pytest.raises(SlugTaken, match=slug):
        await create_tenant(database, sealer, NewTenant(slug=slug, name="Another"))


async def test_suspending_and_resuming_publish_the_status_and_keep_the_keys(
    database: Database, slug: str
) -> None:
    (first,) = await published(database, slug)
    await suspend_tenant(database, slug)
    (second,) = await published(database, slug)
    await resume_tenant(database, slug)
    (third,) = await published(database, slug)
    assert [each.status for each in (first, second, third)] == ["active", "suspended", "active"]
    assert [each.version for each in (first, second, third)] == [1, 2, 3]
    assert first.signing_keys == second.signing_keys == third.signing_keys
    assert (await show_tenant(database, slug)).status is TenantStatus.ACTIVE


async def test_a_deleted_tenant_leaves_neither_schema_nor_role_nor_keys(
    database: Database, slug: str
) -> None:
    made = (await show_tenant(database, slug)).id
    await delete_tenant(database, slug)
    async with database.control() as connection:
        names = {"schema": schema_of(made), "role": role_of(made)}
        query = text("SELECT to_regnamespace(:schema), to_regrole(:role)")
        assert tuple((await connection.execute(query, names)).one()) == (None, None)
    (last,) = await published(database, slug)
    assert (last.status, last.version) == (TenantStatus.DELETED, 2)
    assert (last.signing_keys, last.scopes) == ((), ())


async def test_a_deleted_tenant_is_gone_for_every_verb(database: Database, slug: str) -> None:
    made = (await show_tenant(database, slug)).id
    await delete_tenant(database, slug)
    for verb in (suspend_tenant, resume_tenant, delete_tenant, show_tenant):
        with pytest.raises(UnknownTenant):
            await verb(database, slug)
    with pytest.raises(UnknownTenant):
        async with edit_tenant(database, made):
            pytest.fail("a deleted tenant was changed")
    assert slug not in {each.slug for each in await list_tenants(database, after="", limit=1000)}


async def test_deleting_twice_at_once_deletes_once(database: Database, slug: str) -> None:
    outcomes = await asyncio.gather(
        *(delete_tenant(database, slug) for _ in range(3)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(each, UnknownTenant) for each in outcomes) == 2


@pytest.mark.parametrize("days", [0, 1, 89])
async def test_a_slug_is_held_for_90_days_after_the_deletion(
    database: Database, sealer: Sealer, installation: Installation, slug: str, days: int
) -> None:
    made = (await show_tenant(database, slug)).id
    await delete_tenant(database, slug)
    await move_deletion(installation, made, days)
    with pytest.raises(SlugTaken):
        await create_tenant(database, sealer, NewTenant(slug=slug, name="Another"))


async def test_a_slug_is_free_after_90_days_for_one_of_those_who_want_it(
    database: Database, sealer: Sealer, installation: Installation, slug: str
) -> None:
    made = (await show_tenant(database, slug)).id
    await delete_tenant(database, slug)
    await move_deletion(installation, made, 91)
    new = NewTenant(slug=slug, name="Another")
    outcomes: list[Any] = await asyncio.gather(
        *(create_tenant(database, sealer, new) for _ in range(4)), return_exceptions=True
    )
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert sum(isinstance(outcome, SlugTaken) for outcome in outcomes) == 3
    assert winner != made
    (snapshot,) = await published(database, slug)
    assert (snapshot.tenant_id, snapshot.version) == (winner, 1)


async def test_tenants_are_listed_a_page_at_a_time(database: Database, sealer: Sealer) -> None:
    made = {new_slug("page") for _ in range(5)}
    for slug in made:
        await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))
    found: list[str] = []
    while page := await list_tenants(database, after=found[-1] if found else "page", limit=2):
        assert len(page) <= 2
        found += [each.slug for each in page]
    assert found == sorted(found)
    assert made <= set(found)
