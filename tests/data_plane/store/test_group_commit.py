"""Group commit: what shares a batch, what gathers meanwhile, and who hears of it."""

import asyncio

import pytest

from data_plane.protocol.errors import TemporarilyUnavailable
from data_plane.store.group_commit import GroupCommit


class Store:
    """Commits a batch when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.under_way: list[asyncio.Future[None]] = []

    async def write(self, batch: list[int]) -> list[int]:
        self.batches.append(batch)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.under_way.append(done)
        await done
        return [-each for each in batch]

    def commit(self) -> None:
        self.under_way.pop().set_result(None)


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def add(commits: GroupCommit[int, int], *items: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(commits.add(each)) for each in items]


async def test_one_batch_is_under_way_and_the_rest_gathers() -> None:
    store = Store()
    commits: GroupCommit[int, int] = GroupCommit(store.write, lambda *_: None)
    adding = []
    for item in range(6):
        adding += add(commits, item)
        await turn()
    assert store.batches == [[0]]
    store.commit()
    await turn()
    assert store.batches[1:] == [[1, 2, 3, 4, 5]]
    store.commit()
    assert await asyncio.gather(*adding) == [-each for each in range(6)]


async def test_what_comes_at_the_same_moment_shares_a_batch() -> None:
    store = Store()
    commits: GroupCommit[int, int] = GroupCommit(store.write, lambda *_: None)
    adding = add(commits, 1, 2, 3)
    await turn()
    assert store.batches == [[1, 2, 3]]
    store.commit()
    assert await asyncio.gather(*adding) == [-1, -2, -3]


async def test_the_end_waits_for_all() -> None:
    store = Store()
    commits: GroupCommit[int, int] = GroupCommit(store.write, lambda *_: None)
    adding = add(commits, 1)
    await turn()
    adding += add(commits, 2)
    await turn()
    draining = asyncio.create_task(commits.drain())
    store.commit()
    await turn()
    assert not draining.done()  # for what has gathered meanwhile
    store.commit()
    await draining
    assert await asyncio.gather(*adding) == [-1, -2]


async def test_a_batch_that_fails_fails_alone() -> None:
    async def write(batch: list[int]) -> list[int]:
        await asyncio.sleep(0)
        if 1 in batch:
            raise TemporarilyUnavailable("away")
        return batch

    commits: GroupCommit[int, int] = GroupCommit(write, lambda *_: None)
    (bad,) = add(commits, 1)
    await turn()
    (good,) = add(commits, 2)
    with pytest.raises(TemporarilyUnavailable):
        await bad
    assert await good == 2
