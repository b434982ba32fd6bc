"""PostgreSQL has said that it ends, and the connection is still open: an outage like any other."""

import asyncio

import pytest

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.feed import PublishedFeed
from data_plane.store.pool import Pool
from tests.faults.relay import DYING_WORDS, relayed
from tests.support import Installation

BEFORE_THE_QUESTION, DURING_IT = 0.05, 0.0  # seconds between the words and the question


@pytest.mark.parametrize("pause", [BEFORE_THE_QUESTION, DURING_IT])
async def test_the_feed_takes_them_for_an_outage(installation: Installation, pause: float) -> None:
    async with relayed(installation.data_url) as (url, relay):
        feed = PublishedFeed(url)
        await feed.open(lambda: None)
        await feed.news()
        await relay.say_last(DYING_WORDS)
        await asyncio.sleep(pause)
        with pytest.raises(TemporarilyUnavailable):
            await feed.news()
        await feed.close()


@pytest.mark.parametrize("pause", [BEFORE_THE_QUESTION, DURING_IT])
async def test_the_pool_takes_them_for_an_outage(installation: Installation, pause: float) -> None:
    async with relayed(installation.data_url) as (url, relay):
        pool = Pool(url)

        async def ask() -> None:
            async with pool.connection() as connection:
                await relay.say_last(DYING_WORDS)
                await asyncio.sleep(pause)
                await connection.fetchval("SELECT 1")

        with pytest.raises(TemporarilyUnavailable):
            await ask()
        await pool.close()
