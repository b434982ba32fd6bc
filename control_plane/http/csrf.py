"""Forms are answered only from our own pages: a token bound to the session, and what browsers say.

The token is an HMAC over the cookie's value. A cookie that another host of the domain plants does
not help it: `__Host-` keeps that out, and the token of a planted session is not known to it.
"""

import hmac
from collections.abc import Mapping

_SAME = {"same-origin", "none"}


def csrf_token(key: bytes, cookie: str) -> str:
    return hmac.digest(key, b"csrf:" + cookie.encode(), "sha256").hex()


def is_same_site(headers: Mapping[str, str], origin: str) -> bool:
    """Tell whether the browser says that one of our own pages asks; names are in lower case."""
    if headers.get("sec-fetch-site", "same-origin") not in _SAME:
        return False
    return headers.get("origin", origin) == origin


def is_token_right(key: bytes, cookie: str, presented: str) -> bool:
    return hmac.compare_digest(csrf_token(key, cookie), presented)
