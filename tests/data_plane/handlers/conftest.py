"""A data plane in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane.cli.lifespan import Lifespan
from data_plane.app import create_app
from shared.runtime.config import Config, read_config
from shared.runtime.leaving import Leaving
from shared.runtime.telemetry import Telemetry
from tests.data_plane.handlers.plane import PATIENCE, Plane
from tests.support import Installation


@pytest.fixture
async def plane(installation: Installation, config: Config, tmp_path: Path) -> AsyncIterator[Plane]:
    variables = installation.environment(config.public_url)
    variables |= {"DATABASE_URL": installation.data_url, "SPOOL_DIR": str(tmp_path)}
    leaving = Leaving()
    door = create_app(read_config(variables), leaving, Telemetry())
    lifespan = Lifespan(door)
    assert await lifespan.begins()
    plane = Plane(door, leaving, config)
    await plane.listen()
    yield plane
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(server.finish() for server in plane.servers))
        await lifespan.end()
