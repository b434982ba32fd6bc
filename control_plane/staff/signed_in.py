"""Who of the staff is signed in, what they have opened, and why they do what they do now."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import NotAuthorizedException

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.visitors import Visitors
from control_plane.sessions.rules import Session, SessionKind
from control_plane.staff.rules import Opened, Reason, StaffPermission, StaffRole, staff_may

GRANT, WHY = "grant", "why"  # what the door leaves in the scope


class StaffSignedIn(msgspec.Struct, frozen=True, kw_only=True):
    session: Session  # whose person_id is the staff account's
    email: str
    name: str
    role: StaffRole

    @property
    def staff_id(self) -> str:
        return self.session.person_id

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is left to prove."""
        return self.session.kind is not SessionKind.HALF

    def may(self, permission: str) -> bool:
        """For templates: `signed_in.may("SUSPEND")`."""
        return staff_may(self.role, StaffPermission[permission])


def staff_of(request: Request[Any, Any, Any]) -> StaffSignedIn:
    """Give who is signed in, where the door let in nobody else."""
    signed_in = request.scope.get("signed_in")
    if not isinstance(signed_in, StaffSignedIn):
        raise NotAuthorizedException
    return signed_in


def grant_of(request: Request[Any, Any, Any]) -> Opened:
    """Give the grant by which the door let this request in."""
    grant = request.scope.get(GRANT)
    if not isinstance(grant, Opened):
        raise NotAuthorizedException
    return grant


def why_of(request: Request[Any, Any, Any]) -> Reason:
    """Give the reason that came with the form: the door let none in without."""
    why = request.scope.get(WHY)
    if not isinstance(why, Reason):
        raise NotAuthorizedException
    return why


def staff_acting(request: Request[Any, Any, Any], visitors: Visitors) -> Actor:
    """Give who of the staff acts, for the audit logs."""
    signed_in, visitor = staff_of(request), visitors.visitor(request)
    return Actor(
        kind=ActorKind.STAFF,
        id=signed_in.staff_id,
        email=signed_in.email,
        address=visitor.address,
        request_id=visitor.request_id,
    )
