"""Whose request it is: an API key, of an account, with scopes."""

from typing import Any

import msgspec
from litestar import Request

from control_plane.audit.rules import Actor, ActorKind
from control_plane.http.visitors import Visitors
from control_plane.management_api.problems import Unauthenticated
from shared.domain.ids import ClientId
from shared.domain.management import OPERATOR, KeyClaims
from shared.domain.scope import Scope
from shared.domain.suspension import SuspensionKind

_SCOPE = "key_holder"

AnyRequest = Request[Any, Any, Any]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    client_id: ClientId
    key: KeyClaims
    scopes: Scope
    suspended: SuspensionKind | None = None  # its account, by support

    @property
    def account(self) -> str | None:
        """The account that it is bound to; None for the operator's, which may everywhere."""
        return None if self.key.account == OPERATOR else self.key.account


def keep_holder(request: AnyRequest, holder: Holder) -> None:
    request.scope[_SCOPE] = holder  # type: ignore[literal-required]


def holder_of(request: AnyRequest) -> Holder:
    """Give who asks, where the door let in nobody else."""
    holder = request.scope.get(_SCOPE)
    if not isinstance(holder, Holder):
        raise Unauthenticated("a management token is required")
    return holder


def acting_key(request: AnyRequest, visitors: Visitors) -> Actor:
    """Give the key as actions take it in `by`."""
    visitor = visitors.visitor(request)
    return Actor(
        kind=ActorKind.API_KEY,
        id=holder_of(request).client_id,
        address=visitor.address,
        request_id=visitor.request_id,
    )
