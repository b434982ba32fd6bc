"""The start and the end of an ASGI application (ASGI 3, lifespan)."""

import asyncio
import logging
from typing import Any

_log = logging.getLogger("http")

_SCOPE = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}


class Lifespan:
    def __init__(self, application: Any) -> None:
        self._application = application
        self._asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Future[None] | None = None

    async def begins(self) -> bool:
        """Start the application; False where it cannot."""
        running = self._application(_SCOPE, self._asked.get, self._answers.put)
        self._task = asyncio.ensure_future(running)
        return await self._ask("startup")

    async def end(self) -> None:
        """Have it finish what it has begun."""
        await self._ask("shutdown")

    async def _ask(self, what: str) -> bool:
        assert self._task is not None  # noqa: S101 - it has begun
        await self._asked.put({"type": f"lifespan.{what}"})
        answer = asyncio.create_task(self._answers.get())
        either: list[asyncio.Future[Any]] = [answer, self._task]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return bool(answer.result()["type"] == f"lifespan.{what}.complete")
        answer.cancel()
        _log.critical("the application has failed", exc_info=self._task.exception())
        return False
