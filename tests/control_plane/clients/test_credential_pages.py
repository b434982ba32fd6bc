"""Secrets made, rotated and ended in the browser."""

import pytest
from sqlalchemy import func, insert, select

from control_plane.secrets.actions import list_secrets
from shared.runtime.database import Database
from shared.runtime.tables.ledger import secret_use
from shared.runtime.tables.tenant import client_secret
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Console, shown_secret, text_of
from tests.support import Installation, opened

pytestmark = pytest.mark.usefixtures("quick_keys")


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


async def names(site: Site, database: Database) -> list[str]:
    return [each.name for each in await list_secrets(database, site.tenant, site.client_id)]


async def use(site: Site, installation: Installation, database: Database, name: str) -> None:
    """Note that the secret was used just now, as the data plane does."""
    async with database.tenant(site.tenant) as connection:
        digest = await connection.scalar(
            select(client_secret.c.digest).where(client_secret.c.name == name)
        )
    async with opened(installation.data_url) as data, data.control() as connection:
        used_at = (await connection.execute(select(func.now()))).scalar_one()
        await connection.execute(
            insert(secret_use).values(
                tenant=site.tenant, digest=digest, used_at=used_at, address="192.0.2.7"
            )
        )


async def test_a_secret_is_added_shown_once_and_ended(site: Site, database: Database) -> None:
    path = f"{site.client}/credentials"
    async with site.browser() as browser:
        made = await browser.post(path, name="laptop", expires=str(30 * 24 * 3600))
        secret = shown_secret(made)
        later = await browser.get(path)
        assert secret not in later.text
        assert secret[-4:] in later.text
        assert "laptop" in later.text
        taken = await browser.post(path, name="laptop")
        assert taken.status_code == 422
        await browser.post(f"{path}/end", name="laptop")
        assert await names(site, database) == ["first"]
        last = await browser.post(f"{path}/end", name="first")
        assert last.status_code == 422
        assert "End the last secret" in last.text
        await browser.post(f"{path}/end", name="first", even_last="1")
        assert "Without one the client gets no token" in (await browser.get(path)).text


async def test_at_most_five_live_secrets(site: Site, database: Database) -> None:
    path = f"{site.client}/credentials"
    async with site.browser() as browser:
        for _ in range(4):
            await browser.post(path)
        full = await browser.post(path)
        assert full.status_code == 422
        assert "at most 5 live secrets" in text_of(full)
    assert len(await names(site, database)) == 5


async def test_a_rotation_is_finished_when_the_old_secret_is_used_no_more(
    site: Site, database: Database, installation: Installation
) -> None:
    path = f"{site.client}/credentials"
    async with site.browser() as browser:
        started = await browser.post(f"{path}/rotate", overlap="3600", name="second")
        assert shown_secret(started)
        assert "A rotation is open" in started.text
        assert "No old secret was used within the last hour" in started.text
        await use(site, installation, database, "first")
        warned = text_of(await browser.get(path))
        assert "first was used within the last hour, from 192.0.2.7" in warned
        assert (await browser.post(f"{path}/rotate", overlap="3600")).status_code == 422
        await browser.post(f"{path}/finish")
        assert await names(site, database) == ["second"]
        assert (await browser.post(f"{path}/finish")).status_code == 422


async def test_a_rotation_is_taken_back(site: Site, database: Database) -> None:
    path = f"{site.client}/credentials"
    async with site.browser() as browser:
        await browser.post(f"{path}/rotate", overlap="86400", name="second")
        await browser.post(f"{path}/cancel")
        [held] = await list_secrets(database, site.tenant, site.client_id)
        assert (held.name, held.expires_at, held.replaced_by) == ("first", None, None)


async def test_a_rotation_without_overlap_is_over_at_once(site: Site, database: Database) -> None:
    path = f"{site.client}/credentials"
    async with site.browser() as browser:
        page = await browser.post(f"{path}/rotate", overlap="0", name="second")
        assert "A rotation is open" not in page.text
        secrets = await list_secrets(database, site.tenant, site.client_id)
        assert [each.name for each in secrets if each.expires_at is None] == ["second"]
