"""Who acts when a page changes something: the person who is signed in, by this request."""

from typing import Any

from litestar import Request

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.signed_in import SignedIn, signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.sessions.actions import Visitor


def acting(request: Request[Any, Any, Any], visitors: Visitors) -> Actor:
    """Give who is signed in, as actions take it in `by`."""
    return acting_as(signed_in_of(request), request, visitors)


def acting_as(signed_in: SignedIn, request: Request[Any, Any, Any], visitors: Visitors) -> Actor:
    return person_acting(signed_in.session.person_id, signed_in.email, request, visitors)


def person_acting(
    person_id: str, email: str, request: Request[Any, Any, Any], visitors: Visitors
) -> Actor:
    """Give a person who is not signed in yet, but has proved who it is."""
    return visiting(person_id, email, visitors.visitor(request))


def visiting(person_id: str, email: str, visitor: Visitor) -> Actor:
    return Actor(
        kind=ActorKind.PERSON,
        id=person_id,
        email=email,
        address=visitor.address,
        request_id=visitor.request_id,
    )
