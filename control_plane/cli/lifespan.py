"""The start and the end of an ASGI application (ASGI 3, lifespan)."""

import asyncio
import logging
from typing import Any

_log = logging.getLogger("http")


class Lifespan:
    def __init__(self, application: Any) -> None:
        self._application = application
        self._asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def begins(self) -> bool:
        """Start the application; False where it cannot."""
        self._task = asyncio.create_task(self._run())
        return await self._ask("startup")

    async def end(self) -> None:
        """Have it finish what it has begun."""
        await self._ask("shutdown")

    async def _ask(self, what: str) -> bool:
        await self._asked.put({"type": f"lifespan.{what}"})
        answer = await self._answers.get()
        return bool(answer["type"] == f"lifespan.{what}.complete")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._application(scope, self._asked.get, self._answers.put)
        except Exception as error:  # noqa: BLE001 - it is said to have failed, and why
            _log.critical("the application has failed", exc_info=error)
        await self._answers.put({"type": "failed"})
