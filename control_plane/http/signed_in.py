"""Who is signed in, and what of theirs a page shows."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import NotAuthorizedException, NotFoundException

from control_plane.http.meter import Meter
from control_plane.members.rules import ROLE_NAMES, Permission, Role, may
from control_plane.sessions.rules import Session, SessionKind
from shared.domain.suspension import SuspensionKind


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of the account that has failed."""

    grace_until: datetime | None  # that the plan goes on; None: it did, and Sandbox's limits hold
    next_try_at: datetime | None  # to take the money


class Suspended(msgspec.Struct, frozen=True, kw_only=True):
    """That support has suspended the account."""

    kind: SuspensionKind
    contact: str  # whom to write to


class SupportView(msgspec.Struct, frozen=True, kw_only=True):
    """That one of our staff looks, read-only, and no member of the account."""

    reason: str
    ends_at: datetime


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A person with a session and, unless they are in no account, the account they look at."""

    session: Session
    email: str
    account_id: str | None
    account_name: str
    plan: str
    role: Role | None
    meter: Meter | None = None  # of the account, where there is one
    owed: Owed | None = None  # for who may see billing
    suspended: Suspended | None = None
    view: SupportView | None = None

    def may(self, permission: str) -> bool:
        """For templates: `signed_in.may("CHANGE_CLIENTS")`."""
        return self.role is not None and may(self.role, Permission[permission])

    @property
    def is_shut_out(self) -> bool:
        """Tell whether support has closed the console to the account's members."""
        return self.suspended is not None and self.suspended.kind.closes_console

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is left to prove; before that a page shows nothing of theirs."""
        return self.session.kind is not SessionKind.HALF

    @property
    def role_name(self) -> str:
        return "" if self.role is None else ROLE_NAMES[self.role]


def signed_in_of(request: Request[Any, Any, Any]) -> SignedIn:
    """Give who is signed in, where the door let in nobody else."""
    signed_in = request.scope.get("signed_in")
    if not isinstance(signed_in, SignedIn):
        raise NotAuthorizedException
    return signed_in


def account_of(request: Request[Any, Any, Any]) -> str:
    """Name the account that they look at; who is in none finds nothing of one: 404."""
    account_id = signed_in_of(request).account_id
    if account_id is None:
        raise NotFoundException
    return account_id
