"""What the management API answers when it refuses: problem documents, RFC 9457.

`code` is for programs and does not change; `detail` is for people.
"""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError

from control_plane.clients.actions import UnknownClient
from control_plane.http.errors import AWAY, RETRY_AFTER, note_away
from control_plane.keys.rules import UnknownKey
from control_plane.limits.rules import LimitReached
from control_plane.publishing.snapshots import UnknownTenant
from control_plane.secrets.actions import UnknownSecret
from control_plane.tenants.actions import SlugTaken
from shared.domain.refused import Refused

_AGAIN = "our database is away just now: try again shortly"

_NO_TEXT = {"22021", "22P05"}  # what PostgreSQL says of U+0000

_log = logging.getLogger("control_plane")

PATH = "/api/"  # of the audience, and of everything that answers with problem documents
MEDIA_TYPE = "application/problem+json"

AnyRequest: TypeAlias = Request[Any, Any, Any]
Handler: TypeAlias = Callable[[AnyRequest, Any], Response[Any]]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str


class ApiRefusal(Refused):
    """The base of what only this API refuses."""

    status, code = 400, "malformed"
    headers: Mapping[str, str] = MappingProxyType({})


class Unauthenticated(ApiRefusal):
    """RFC 6750 section 3: who asks shows no token that counts here."""

    status, code = 401, "invalid_token"
    headers: Mapping[str, str] = MappingProxyType(
        {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )


class TokenMissing(Unauthenticated):
    code = "token_missing"
    headers: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": "Bearer"})


class InsufficientScope(ApiRefusal):
    status, code = 403, "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"the API key lacks the scope {scope}")
        self.headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}


class AccountSuspended(ApiRefusal):
    """Support has closed the console and this API to the account."""

    status, code = 403, "account_suspended"


class Absent(ApiRefusal):
    """There is no such thing, or it is another account's."""

    status, code = 404, "not_found"


class TooManyRequests(ApiRefusal):
    status, code = 429, "rate_limited"

    def __init__(self, seconds: int) -> None:
        super().__init__("the API key asks too often")
        self.headers = {"Retry-After": str(seconds)}


class Unfinished(ApiRefusal):
    """A request with this Idempotency-Key was begun, and its answer is not known."""

    status, code = 409, "unfinished"


class KeyReused(ApiRefusal):
    """The Idempotency-Key was sent with another request."""

    status, code = 422, "idempotency_key_reused"


_OF_RULES: tuple[tuple[type[Refused], int, str], ...] = (
    (UnknownTenant, 404, "not_found"),
    (UnknownClient, 404, "not_found"),
    (UnknownSecret, 404, "not_found"),
    (UnknownKey, 404, "not_found"),
    (LimitReached, 409, "limit_reached"),
    (SlugTaken, 409, "taken"),
    (Refused, 422, "refused"),
)


def problem_of(error: Exception) -> Response[Any]:
    """Say what was wrong; of a mistake of ours nothing is shown, and all of it is in the log."""
    match error:
        case ApiRefusal():
            return _answer(error.status, error.code, str(error), error.headers)
        case Refused():
            status, code = next(each[1:] for each in _OF_RULES if isinstance(error, each[0]))
            return _answer(status, code, str(error))
        case ValidationException():
            return _answer(400, "malformed", _malformed(error))
        case HTTPException():
            return _answer(error.status_code, *_of_framework(error), error.headers)
        case _:
            return _trouble(error)


def _trouble(error: Exception) -> Response[Any]:
    if _is_of_text(error):
        return _answer(400, "malformed", "a text cannot have U+0000 in it")
    if isinstance(error, AWAY):
        note_away(error)
        return _answer(503, "unavailable", _AGAIN, {"Retry-After": RETRY_AFTER})
    _log.error("unexpected error", exc_info=error)
    return _answer(500, "internal", "it is our fault, and we have noted it")


def _is_of_text(error: Exception) -> bool:
    """Tell whether PostgreSQL was asked with U+0000, which none of its texts can have in it."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _NO_TEXT


def by_path(of_pages: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """Answer with a problem document below the API's path, and with a page elsewhere."""

    def either(handler: Handler) -> Handler:
        def answer(request: AnyRequest, error: Exception) -> Response[Any]:
            is_api = request.url.path.startswith(PATH)
            return problem_of(error) if is_api else handler(request, error)

        return answer

    return {kind: either(handler) for kind, handler in of_pages.items()}


def _of_framework(error: HTTPException) -> tuple[str, str]:
    match error.status_code:
        case 404:
            return "not_found", "there is nothing here"
        case 405:
            return "method_not_allowed", "this method is not allowed here"
        case _:
            return "malformed", "the request cannot be read"


def _malformed(error: ValidationException) -> str:
    """Name each part that cannot be read, and why."""
    parts = error.extra if isinstance(error.extra, list) else []
    said = [f"{each.get('key', 'the body')}: {each['message']}" for each in parts]
    return "; ".join(said) or "the request cannot be read"


def _answer(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail)
    return Response(
        problem,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
