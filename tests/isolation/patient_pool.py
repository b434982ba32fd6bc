"""The data plane's pool within a test: a busy machine is not taken for a store that is down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from data_plane.store import pool as product
from data_plane.store.pool import Pool

_PATIENCE = 20.0  # seconds, where the product has less than one


@asynccontextmanager
async def opened_pool(data_url: str) -> AsyncIterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "_PATIENCE", _PATIENCE)
        pool = Pool(data_url)
        try:
            yield pool
        finally:
            await pool.close()
