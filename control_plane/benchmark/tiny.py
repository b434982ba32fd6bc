"""The least that an ASGI application can do: what HTTP alone costs, under our server."""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

_START: Any = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}
_BODY: Any = {"type": "http.response.body", "body": b"{}", "more_body": False}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == ScopeType.HTTP:
        await send(_START)
        await send(_BODY)
