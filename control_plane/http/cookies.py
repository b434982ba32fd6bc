"""An app's two cookies: a session, and a visitor who has none yet."""

import msgspec
from litestar.datastructures import Cookie

from control_plane.sessions.actions import Begun
from control_plane.sessions.rules import LIFETIMES, SessionKind

SESSION = "__Host-session"
VISITOR = "__Host-visitor"


SUPPORT_VIEW = "__Host-support-view"


class CookieNames(msgspec.Struct, frozen=True):
    session: str
    visitor: str
    first: str = ""  # comes before the session, where somebody is found by it


CONSOLE = CookieNames(SESSION, VISITOR, first=SUPPORT_VIEW)
# of their own: on one machine the two apps may have the same host, and browsers know no ports here
SUPPORT = CookieNames("__Host-staff", "__Host-staff-visitor")


def session_cookie(begun: Begun, name: str = SESSION) -> Cookie:
    """Give the session's cookie; it ends with the browser unless that was to be remembered."""
    kind = begun.session.kind
    lasting = kind is SessionKind.REMEMBERED
    seconds = int(LIFETIMES[kind].absolute.total_seconds()) if lasting else None
    return _cookie(name, begun.token, seconds)


def no_session_cookie(name: str = SESSION) -> Cookie:
    return _cookie(name, "", 0)


def visitor_cookie(token: str, name: str) -> Cookie:
    return _cookie(name, token, None)


def view_cookie(token: str) -> Cookie:
    """Give the cookie of support's view of the console; it goes with the browser."""
    return _cookie(SUPPORT_VIEW, token, None)


def no_view_cookie() -> Cookie:
    return _cookie(SUPPORT_VIEW, "", 0)


def _cookie(name: str, value: str, seconds: int | None) -> Cookie:
    return Cookie(
        key=name, value=value, path="/", secure=True, httponly=True, samesite="lax", max_age=seconds
    )
