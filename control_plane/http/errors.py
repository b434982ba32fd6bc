"""What a person sees when there is no such page, or when something went wrong on our side."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import ExceptionHandlersMap

from control_plane.http.attempts import TooManyAttempts
from control_plane.http.rendering import Pages
from shared.domain.refused import Refused

_log = logging.getLogger("control_plane")

AnyRequest = Request[Any, Any, Any]


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

    return {
        HTTPException: of_framework,
        TooManyAttempts: of_attempts,
        Refused: of_rule,
        Exception: of_ours,
    }
