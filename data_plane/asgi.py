"""The ASGI application of a worker: Litestar, and in front of it the issuers' endpoints.

Litestar's routing costs a token request a sixth of its time, and decides nothing about it that the
mount does not decide by itself (decision 0005). It serves the rest, and the start and the end.
"""

import logging
from collections.abc import Awaitable
from typing import Any

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import (
    HTTPScope,
    Receive,
)

from data_plane.handlers.mount import IssuersMount

_log = logging.getLogger("data_plane")

_ISSUERS = (b"/t/", b"/.well-known/")
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
_BODY = b'{"error":"server_error","error_description":"something went wrong on our side"}'


class DataPlane:
    def __init__(self, litestar: Litestar, issuers: IssuersMount) -> None:
        self._litestar = litestar
        self._issuers = issuers

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["raw_path"].startswith(_ISSUERS):
            return self._serve(scope, receive, send)
        return self._litestar(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Any) -> None:
        """Answer a request; of a mistake of ours the log hears all, the caller nothing."""
        try:
            await self._issuers(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last resort
            _log.error("unexpected error", exc_info=error)
            await send({"type": "http.response.start", "status": 500, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BODY, "more_body": False})


def framework_error(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[dict[str, str]]:
    """Answer what the framework refuses before a handler of ours is reached."""
    status, headers = error.status_code, {"Cache-Control": "no-store", **(error.headers or {})}
    body = {"error": "invalid_request", "error_description": "the request cannot be served here"}
    if not (request.scope.get("raw_path") or b"").startswith(b"/"):  # `@evil`, or `*`
        status = 400
    elif isinstance(error, NotFoundException):
        body = {"error": "not_found", "error_description": "there is nothing here"}
    return Response(body, status_code=status, headers=headers)
