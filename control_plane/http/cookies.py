"""The console's two cookies: a session, and a visitor who has none yet."""

from litestar.datastructures import Cookie

SESSION = "__Host-session"
VISITOR = "__Host-visitor"


def session_cookie(token: str, seconds: int | None) -> Cookie:
    """Give the session's cookie; without seconds it ends with the browser."""
    return _cookie(SESSION, token, seconds)


def no_session_cookie() -> Cookie:
    return _cookie(SESSION, "", 0)


def visitor_cookie(token: str) -> Cookie:
    return _cookie(VISITOR, token, None)


def _cookie(name: str, value: str, seconds: int | None) -> Cookie:
    return Cookie(
        key=name, value=value, path="/", secure=True, httponly=True, samesite="lax", max_age=seconds
    )
