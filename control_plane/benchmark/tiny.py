"""The least that an ASGI application can do: what HTTP alone costs, under our server."""

import asyncio
import socket
import sys
from typing import Any

import uvloop
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from shared.runtime.http1_server import Http1Server
from shared.runtime.leaving import Leaving

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


async def _serve(port: int) -> None:
    server = Http1Server(application, Leaving())
    await server.accept(socket.create_server(("127.0.0.1", port)))
    await asyncio.Event().wait()  # until it is ended


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
