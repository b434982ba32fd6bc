"""The feed: a change is told, however its transaction and the looks overlap."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from data_plane.ports import News
from data_plane.store.feed import PublishedFeed
from tests.support import Installation, MadeTenant

BUMP = "UPDATE control.issuer_snapshot SET version = version + 1 WHERE tenant_id = $1"


@pytest.fixture
async def feed(installation: Installation) -> AsyncIterator[PublishedFeed]:
    feed = PublishedFeed(installation.data_url)
    await feed.open(lambda: None)
    await feed.news()
    yield feed
    await feed.close()


@pytest.fixture
async def control(
    installation: Installation,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(installation.control_url)
    yield connection
    await connection.close()


def tells(news: News, tenant: MadeTenant) -> bool:
    return tenant.tenant_id in {each.tenant for each in news.published}


async def test_a_transaction_that_commits_late_is_not_lost(
    feed: PublishedFeed,
    control: "asyncpg.Connection[asyncpg.Record]",
    installation: Installation,
    tenant: MadeTenant,
) -> None:
    await feed.news()
    await feed.news()
    late = control.transaction()
    await late.start()
    await control.execute(BUMP, tenant.tenant_id)  # written first …
    assert not tells(await feed.news(), tenant)
    other = await asyncpg.connect(installation.control_url)  # … and overtaken by a later one
    await other.execute("UPDATE control.issuer_snapshot SET version = version WHERE tenant_id = ''")
    await other.execute("SELECT pg_current_xact_id()")
    await other.close()
    await feed.news()
    await late.commit()
    assert tells(await feed.news(), tenant)


async def test_a_change_is_told_and_then_no_more(
    feed: PublishedFeed, control: "asyncpg.Connection[asyncpg.Record]", tenant: MadeTenant
) -> None:
    await control.execute(BUMP, tenant.tenant_id)
    assert tells(await feed.news(), tenant)
    async with asyncio.timeout(60):  # another test's transaction may hold it in view for a while
        while tells(await feed.news(), tenant):
            await asyncio.sleep(0.01)


async def test_the_doorbell_rings(installation: Installation, tenant: MadeTenant) -> None:
    rung = asyncio.Event()
    feed = PublishedFeed(installation.data_url)
    await feed.open(rung.set)
    connection = await asyncpg.connect(installation.control_url)
    await connection.execute("SELECT pg_notify('doorbell', $1)", tenant.tenant_id)
    async with asyncio.timeout(60):
        await rung.wait()
    await connection.close()
    await feed.close()
