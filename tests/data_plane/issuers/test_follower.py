"""How long tokens go on without a look at what was published (faults.md row 1)."""

import asyncio
import time
from collections.abc import Callable

import pytest

from data_plane.issuers.directory import IssuerDirectory
from data_plane.issuers.follower import Follower
from data_plane.ports import News
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.domain.ids import TenantId
from shared.domain.snapshot import IssuerSnapshot
from tests.data_plane.issuers.test_directory import Tables
from tests.faults.load import until


class Feed:
    """A feed with no news, which can be taken away."""

    def __init__(self) -> None:
        self.away = False
        self.looks = 0

    async def open(self, ring: Callable[[], None]) -> None:
        del ring

    async def news(self) -> News:
        if self.away:
            raise TemporarilyUnavailable("away")
        self.looks += 1
        return News(published=[], revoked=[])

    async def snapshots(self, tenants: list[TenantId]) -> list[IssuerSnapshot]:
        del tenants
        return []

    async def close(self) -> None:
        return


async def test_what_is_held_may_be_used_for_a_minute_without_a_look() -> None:
    feed, ahead = Feed(), [0.0]
    directory: IssuerDirectory = Tables().directory
    follower = Follower(
        directory, feed, lambda: 0, lambda: None, lambda: time.monotonic() + ahead[0]
    )
    assert follower.missing() == ["database"]
    following = asyncio.create_task(follower.run())
    await until(lambda: feed.looks > 0, "it does not look")
    assert (follower.started(), follower.missing()) == (True, [])
    feed.away = True
    ahead[0] += 50
    follower.check_recent()
    assert follower.missing() == ["database"]
    ahead[0] += 20
    with pytest.raises(TemporarilyUnavailable):
        follower.check_recent()
    feed.away = False
    looks = feed.looks
    await until(lambda: feed.looks > looks, "it does not look again")
    follower.check_recent()
    following.cancel()
