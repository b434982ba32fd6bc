"""What is done in a block shows in no time that it takes, also when it fails."""

import asyncio
import time

import pytest

from control_plane.http.even_time import STEP, even_time


@pytest.mark.parametrize("work", [0.0, 0.01, 0.1])
async def test_it_ends_at_a_whole_step(work: float) -> None:
    began = time.monotonic()
    async with even_time():
        await asyncio.sleep(work)
    assert time.monotonic() - began >= STEP


async def test_a_refusal_takes_as_long() -> None:
    began = time.monotonic()
    with pytest.raises(LookupError):
        async with even_time():
            raise LookupError
    assert time.monotonic() - began >= STEP
