"""The console in this process: made once for each configuration, and run anew for each test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from control_plane.app import create_console
from control_plane.http import even_time
from control_plane.http.attempts import Attempts
from control_plane.people import passwords
from shared.runtime.config import read_config


def console_of(environment: dict[str, str], *more: HTTPRouteHandler) -> Litestar:
    """Give the application for a configuration, with more routes where a test adds some.

    To make one takes a quarter of a second.
    """
    return _made(more, *sorted(environment.items()))


@cache
def _made(more: tuple[HTTPRouteHandler, ...], *environment: tuple[str, str]) -> Litestar:
    app = create_console(read_config(dict(environment)))
    for each in more:
        app.register(each)
    return app


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """Run it as a process that has just started: it remembers nothing of the tests before.

    It keeps to one task from start to end, as the framework asks; a fixture ends in another.
    """
    given: Any = app.dependencies["attempts"]
    kept = vars(given.dependency())
    kept.update(vars(Attempts(kept["_shared"])))
    started, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with app.lifespan():
            started.set()
            await ended.wait()

    with pytest.MonkeyPatch.context() as patch:
        # the real one takes a third of a second
        patch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
        patch.setattr(even_time, "STEP", 0.001)  # where it is tested, it is set anew
        task = asyncio.create_task(run())
        await started.wait()
        try:
            yield
        finally:
            ended.set()
            await task
