"""The probe of an application that does not listen yet: a request made in its own process."""

from collections.abc import Awaitable, Callable
from typing import Any

_READINESS = "/readyz"
_OK = 200

_SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": _READINESS,
    "raw_path": _READINESS.encode(),
    "root_path": "",
    "query_string": b"",
    "client": None,
    "server": None,
}


async def is_ready(application: Callable[..., Awaitable[None]]) -> bool:
    """Ask the application's readiness as a balancer would."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application({**_SCOPE, "headers": [(b"host", b"localhost")], "state": {}}, receive, send)
    return statuses == [_OK]
