"""The console's two cookies: a session, and a visitor who has none yet."""

from litestar.datastructures import Cookie

from control_plane.sessions.actions import Begun
from control_plane.sessions.rules import LIFETIMES, SessionKind

SESSION = "__Host-session"
VISITOR = "__Host-visitor"


def session_cookie(begun: Begun) -> Cookie:
    """Give the session's cookie; it ends with the browser unless that was to be remembered."""
    kind = begun.session.kind
    lasting = kind is SessionKind.REMEMBERED
    seconds = int(LIFETIMES[kind].absolute.total_seconds()) if lasting else None
    return _cookie(SESSION, begun.token, seconds)


def no_session_cookie() -> Cookie:
    return _cookie(SESSION, "", 0)


def visitor_cookie(token: str) -> Cookie:
    return _cookie(VISITOR, token, None)


def _cookie(name: str, value: str, seconds: int | None) -> Cookie:
    return Cookie(
        key=name, value=value, path="/", secure=True, httponly=True, samesite="lax", max_age=seconds
    )
