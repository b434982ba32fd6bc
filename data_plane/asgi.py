"""The ASGI application of a worker: Litestar, and in front of it the issuers' endpoints.

Litestar's routing costs a token request a sixth of its time, and decides nothing about it that the
mount does not decide by itself (decision 0005). It serves the rest, and the start and the end.
"""

from collections.abc import Awaitable
from typing import Any

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotFoundException

from data_plane.handlers.mount import IssuersMount

_ISSUERS = (b"/t/", b"/.well-known/")


class DataPlane:
    def __init__(self, litestar: Litestar, issuers: IssuersMount) -> None:
        self._litestar = litestar
        self._issuers = issuers

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["raw_path"].startswith(_ISSUERS):
            return self._issuers(scope, receive, send)
        return self._litestar(scope, receive, send)


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
