"""What a client may look like. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec

from shared.domain.client import AuthMethod, DpopUse
from shared.domain.client_jwk import MOST_KEYS, ClientJwk, thumbprint
from shared.domain.ids import Kid
from shared.domain.limits import Rate, check_rate
from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused
from shared.domain.scope import Scope


class InvalidClientMetadata(Refused):
    """The client cannot be registered or changed so; the message says why (RFC 7591 s3.2.2)."""


class ClientOrder(StrEnum):
    """What a list of clients goes by."""

    NAME = "name"
    CREATED = "created"  # the newest first
    USED = "used"  # the last used first, and those that never were at the end


class ApiGrant(msgspec.Struct, frozen=True, kw_only=True):
    api: str  # identifier
    scopes: Scope


class ClientKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Where the public keys of a private_key_jwt client are: here, or behind a URI."""

    jwks: tuple[ClientJwk, ...] = ()
    jwks_uri: str | None = None


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    apis: tuple[str, ...]  # identifiers; the first is the default
    scopes: Scope | None = None  # None: every scope of those APIs
    serves: tuple[str, ...] = ()  # identifiers of APIs whose tokens it may introspect
    auth_method: AuthMethod = AuthMethod.CLIENT_SECRET
    keys: ClientKeys | None = None  # of a private_key_jwt client
    legacy_assertions: bool = False
    dpop: DpopUse = DpopUse.OPTIONAL
    claims: dict[str, Any] = {}  # static, in each of its tokens
    rate: Rate | None = None  # its own limit, beside the tenant's


class ClientChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; None leaves it as it is."""

    name: str | None = None
    apis: tuple[str, ...] | None = None  # as in NewClient, with `scopes`
    scopes: Scope | None = None
    serves: tuple[str, ...] | None = None
    keys: ClientKeys | None = None  # all it has from now on; or, instead:
    more_keys: tuple[ClientJwk, ...] = ()  # beside those it has, or in the place of its URI
    less_key: str | None = None  # the thumbprint of one to remove
    legacy_assertions: bool | None = None
    dpop: DpopUse | None = None
    claims: dict[str, Any] | None = None
    rate: Rate | None = None
    no_rate: bool = False  # take its own limit away


def check_new_client(new: NewClient) -> None:
    if not is_name(new.name):
        raise InvalidClientMetadata(NAME_RULE)
    if not new.apis and not new.serves:
        raise InvalidClientMetadata("a client needs an API to ask tokens for, or one to serve")
    if len(set(new.apis)) != len(new.apis):
        raise InvalidClientMetadata("an API is named twice")
    check_keys(new.auth_method, new.keys)
    if new.rate is not None:
        check_rate(new.rate)


def check_not_ours(keys: ClientKeys | None, kids: Iterable[Kid]) -> None:
    """Refuse the issuer's own keys and kids (a kid of ours is its key's thumbprint, RFC 7638)."""
    ours = frozenset(kids)
    for jwk in keys.jwks if keys else ():
        if jwk.kid in ours or thumbprint(jwk) in ours:
            raise InvalidClientMetadata("a key, or its kid, is the issuer's own")


def check_change(change: ClientChange) -> None:
    if change.name is not None and not is_name(change.name):
        raise InvalidClientMetadata(NAME_RULE)
    if change.scopes is not None and change.apis is None:
        raise InvalidClientMetadata("scopes are changed together with the APIs they belong to")
    if change.apis is not None and len(set(change.apis)) != len(change.apis):
        raise InvalidClientMetadata("an API is named twice")
    if change.rate is not None:
        check_rate(change.rate)


def keys_after(held: ClientKeys, change: ClientChange) -> ClientKeys | None:
    """Give the client's keys as they are to be; None where the change leaves them."""
    if change.more_keys:
        keys = (*held.jwks, *change.more_keys)
        kids = [key.kid for key in keys if key.kid is not None]
        if len(keys) > MOST_KEYS:
            raise InvalidClientMetadata(f"a client has at most {MOST_KEYS} keys")
        if len(set(map(thumbprint, keys))) < len(keys) or len(set(kids)) < len(kids):
            raise InvalidClientMetadata("the client has this key, or one with its kid, already")
        return ClientKeys(jwks=keys)
    if change.less_key is not None:
        others = tuple(key for key in held.jwks if thumbprint(key) != change.less_key)
        return ClientKeys(jwks=others, jwks_uri=held.jwks_uri)
    return change.keys


def check_keys(method: AuthMethod, keys: ClientKeys | None) -> None:
    signs = method is AuthMethod.PRIVATE_KEY_JWT
    if signs and (keys is None or bool(keys.jwks) == bool(keys.jwks_uri)):
        raise InvalidClientMetadata("private_key_jwt needs a key set, or the URI of one")
    if not signs and keys is not None:
        raise InvalidClientMetadata("only a private_key_jwt client has keys")


def grants_for(new: NewClient | ClientChange, scopes_of: dict[str, Scope]) -> tuple[ApiGrant, ...]:
    """Spread the asked scopes over the asked APIs: each API grants those that it has.

    `scopes_of` has every API of the tenant that the client names.
    """
    apis = new.apis or ()
    for identifier in (*apis, *(new.serves or ())):
        if identifier not in scopes_of:
            raise InvalidClientMetadata(f"there is no API {identifier}")
    known = frozenset[str]().union(*(scopes_of[each] for each in apis))
    asked = known if new.scopes is None else new.scopes
    if not asked <= known:
        unknown = ", ".join(sorted(asked - known))
        raise InvalidClientMetadata(f"none of the client's APIs has the scope {unknown}")
    return tuple(ApiGrant(api=each, scopes=asked & scopes_of[each]) for each in apis)
