"""What a person sees when there is no such page, or when something went wrong on our side."""

import logging
from typing import Any

import asyncpg
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolIsExhausted

from control_plane.http.attempts import TooManyAttempts
from control_plane.http.rendering import Pages
from control_plane.sessions.rules import SessionsAway
from shared.domain.refused import Refused
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

AnyRequest = Request[Any, Any, Any]

RETRY_AFTER = "2"  # seconds
AWAY = (  # what is raised when the database, or Redis, is not there
    SessionsAway,
    OperationalError,
    InterfaceError,
    PoolIsExhausted,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it is shutting down, or starting
    asyncpg.InsufficientResourcesError,  # it has no connection, memory or disk left
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)


def last_resorts(pages: Pages) -> ExceptionHandlersMap:
    def of_framework(request: AnyRequest, error: HTTPException) -> Response[str]:
        if isinstance(error, NotFoundException):
            return pages.show(
                request,
                "refused.html",
                status=404,
                title="Not found",
                why="There is no such page, or it is none of yours.",
            )
        return pages.show(
            request,
            "refused.html",
            status=error.status_code,
            title="Not possible",
            why="The request cannot be read.",
        )

    def of_rule(request: AnyRequest, refusal: Refused) -> Response[str]:
        return pages.show(
            request, "refused.html", status=422, title="Not possible", why=str(refusal)
        )

    def of_attempts(request: AnyRequest, refusal: TooManyAttempts) -> Response[str]:
        answer = pages.show(
            request, "refused.html", status=429, title="Too many attempts", why=f"{refusal}."
        )
        answer.headers["Retry-After"] = str(refusal.seconds)
        return answer

    return {
        HTTPException: of_framework,
        TooManyAttempts: of_attempts,
        Refused: of_rule,
        **_troubles(pages),
    }


def note_away(error: Exception) -> None:
    _log.warning("not answered", extra=fields(cause=f"{type(error).__name__}: {error}"[:200]))


def _troubles(pages: Pages) -> ExceptionHandlersMap:
    def of_what_is_away(request: AnyRequest, error: Exception) -> Response[str]:
        """Tell it from a mistake: the database, or Redis, is back in a moment."""
        note_away(error)
        answer = pages.show(
            request,
            "refused.html",
            status=503,
            title="Not just now",
            why="We cannot look up who is signed in. Nothing of yours was lost: try again shortly.",
        )
        answer.headers["Retry-After"] = RETRY_AFTER
        return answer

    def of_ours(request: AnyRequest, error: Exception) -> Response[str]:
        """Show nothing of a mistake of ours; all of it is in the log."""
        _log.error("unexpected error", exc_info=error)
        return pages.show(
            request,
            "refused.html",
            status=500,
            title="Something went wrong",
            why="It is our fault, and we have noted it. Nothing of yours was lost.",
        )

    return {**dict.fromkeys(AWAY, of_what_is_away), Exception: of_ours}
