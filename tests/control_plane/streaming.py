"""An answer that goes on, piece by piece, as a browser that stays meets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.control_plane.console import CONSOLE_URL, Browser, Console

_PATIENCE = 20.0  # seconds


class Streamed:
    def __init__(self) -> None:
        self.status = 0
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            await self._pieces.put(message["body"].decode())
        if message["type"] == "http.response.body" and not message.get("more_body"):
            await self._pieces.put(None)

    async def next(self) -> str | None:
        """Give the next piece, when it comes; None at the end."""
        async with asyncio.timeout(_PATIENCE):
            return await self._pieces.get()


@asynccontextmanager
async def streamed(console: Console, browser: Browser, path: str) -> AsyncIterator[Streamed]:
    """Open the path; leaving it is the browser's going away."""
    gone, answer = asyncio.Event(), Streamed()
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    route, _, query = path.partition("?")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": route,
        "raw_path": route.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (b"host", CONSOLE_URL.removeprefix("https://").encode()),
            (b"cookie", cookies.encode()),
        ],
        "client": ("192.0.2.1", 1),
        "server": ("console.test", 443),
    }
    serving = asyncio.create_task(console.application(scope, receive, answer.send))
    try:
        yield answer
    finally:
        gone.set()
        await asyncio.wait([serving], timeout=_PATIENCE)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
