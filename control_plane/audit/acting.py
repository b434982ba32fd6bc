"""Who acts when a page changes something: the person who is signed in, by this request."""

import re
from secrets import token_hex
from typing import Any

from litestar import Request

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.signed_in import SignedIn, signed_in_of
from control_plane.http.visitors import Visitors

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def acting(request: Request[Any, Any, Any], visitors: Visitors) -> Actor:
    """Give who is signed in, as actions take it in `by`."""
    return acting_as(signed_in_of(request), request, visitors)


def acting_as(signed_in: SignedIn, request: Request[Any, Any, Any], visitors: Visitors) -> Actor:
    return person_acting(signed_in.session.person_id, signed_in.email, request, visitors)


def person_acting(
    person_id: str, email: str, request: Request[Any, Any, Any], visitors: Visitors
) -> Actor:
    """Give a person who is not signed in yet, but has proved who it is."""
    given = request.headers.get("x-request-id", "")
    return Actor(
        kind=ActorKind.PERSON,
        id=person_id,
        email=email,
        address=visitors.visitor(request).address,
        request_id=given if _REQUEST_ID.fullmatch(given) else f"r_{token_hex(8)}",
    )
