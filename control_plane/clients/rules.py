"""What a client may look like, and which of its secrets stay through a rotation. Pure."""

import msgspec

from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused
from shared.domain.scope import Scope

_MAXIMUM_LIVE_SECRETS = 5
_MAXIMUM_OVERLAP = 7 * 24 * 3600  # seconds


class InvalidClientMetadata(Refused):
    """The client cannot be registered or changed so; the message says why (RFC 7591 s3.2.2)."""


class ApiGrant(msgspec.Struct, frozen=True, kw_only=True):
    api: str  # identifier
    scopes: Scope


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    apis: tuple[str, ...]  # identifiers; the first is the default
    scopes: Scope | None = None  # None: every scope of those APIs
    serves: tuple[str, ...] = ()  # identifiers of APIs whose tokens it may introspect


def check_new_client(new: NewClient) -> None:
    if not is_name(new.name):
        raise InvalidClientMetadata(NAME_RULE)
    if not new.apis and not new.serves:
        raise InvalidClientMetadata("a client needs an API to ask tokens for, or one to serve")
    if len(set(new.apis)) != len(new.apis):
        raise InvalidClientMetadata("an API is named twice")


def grants_for(new: NewClient, scopes_of: dict[str, Scope]) -> tuple[ApiGrant, ...]:
    """Spread the asked scopes over the asked APIs: each API grants those that it has.

    `scopes_of` has every API of the tenant that the client names.
    """
    for identifier in (*new.apis, *new.serves):
        if identifier not in scopes_of:
            raise InvalidClientMetadata(f"there is no API {identifier}")
    known = frozenset[str]().union(*(scopes_of[each] for each in new.apis))
    asked = known if new.scopes is None else new.scopes
    if not asked <= known:
        unknown = ", ".join(sorted(asked - known))
        raise InvalidClientMetadata(f"none of the client's APIs has the scope {unknown}")
    return tuple(ApiGrant(api=each, scopes=asked & scopes_of[each]) for each in new.apis)


def check_live_secrets(live: int) -> None:
    """Each live secret costs every authentication a digest."""
    if live >= _MAXIMUM_LIVE_SECRETS:
        raise InvalidClientMetadata(
            f"a client has at most {_MAXIMUM_LIVE_SECRETS} live secrets: let one expire first"
        )


def check_overlap(seconds: int) -> None:
    if not 0 <= seconds <= _MAXIMUM_OVERLAP:
        raise InvalidClientMetadata(f"secrets overlap for 0 to {_MAXIMUM_OVERLAP} seconds")
