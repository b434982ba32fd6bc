"""Answers whose time says nothing: each takes a whole number of quarters of a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STEP = 0.25  # seconds; the work below it differs by some milliseconds


@asynccontextmanager
async def even_time() -> AsyncIterator[None]:
    """Leave the block at the next step, however it ends (hostile-inputs.md I13)."""
    began = time.monotonic()
    try:
        yield
    finally:
        await asyncio.sleep(STEP - (time.monotonic() - began) % STEP)
