"""A database of its own: in another, whoever signs up in a test would queue letters too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from control_plane.jobs import queue
from control_plane.jobs.queue import Work
from control_plane.mail.actions import QUEUE
from control_plane.mail.smtp import Smtp
from shared.runtime.database import Database
from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.control_plane.background import jobs_done
from tests.support import Installation, opened


@pytest.fixture(scope="session")
def jobs_installation(postgres: EmbeddedPostgres) -> Installation:
    return new_installation(postgres.url)


@pytest.fixture(autouse=True)
def due_is_seen_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_LOOK", 0.2)


@pytest.fixture
async def jobs_database(jobs_installation: Installation) -> AsyncIterator[Database]:
    async with opened(jobs_installation.control_url) as database:
        yield database


@asynccontextmanager
async def working(installation: Installation, smtp_url: str) -> AsyncIterator[None]:
    """Run the worker of the letters until the block is left."""
    smtp = Smtp(smtp_url, "auth-service <noreply@example.com>")
    async with (
        opened(installation.control_url) as database,
        jobs_done(installation, Work(database, smtp), QUEUE),
    ):
        yield
