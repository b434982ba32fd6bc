"""What an API (resource server) may look like. Pure."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from shared.domain.client import MAXIMUM_TOKEN_LIFETIME, MINIMUM_TOKEN_LIFETIME, TokenProfile
from shared.domain.jwk import Algorithm
from shared.domain.name import NAME_RULE, is_name
from shared.domain.refused import Refused
from shared.domain.scope import MalformedScope, parse_scope

_MAXIMUM_IDENTIFIER = 250
_MAXIMUM_SCOPES = 100
_MAXIMUM_SCOPE = 100
_MAXIMUM_DESCRIPTION = 500

# RFC 3986 section 4.3 without the fragment, in the characters of section 2
_ABSOLUTE_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
)


class InvalidApi(Refused):
    """The API cannot be made so; the message says which part is wrong."""


class ApiOrder(StrEnum):
    """What a list of APIs goes by."""

    NAME = "name"
    CREATED = "created"  # the newest first
    CLIENTS = "clients"  # those that most clients may ask for first


class NewApi(msgspec.Struct, frozen=True, kw_only=True):
    identifier: str
    name: str
    scopes: dict[str, str]  # scope -> description
    token_lifetime: int  # seconds
    algorithm: Algorithm = Algorithm.ES256
    profile: TokenProfile = TokenProfile.AT_JWT


class Check(msgspec.Struct, frozen=True):
    """Whether a part of a token is as an API would demand it."""

    name: str
    good: bool
    says: str


class ApiChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; None leaves it as it is. An identifier never changes."""

    name: str | None = None
    scopes: dict[str, str] | None = None  # all that it has from now on; or, instead:
    more_scopes: dict[str, str] = {}  # added, or described anew
    less_scopes: frozenset[str] = frozenset()
    token_lifetime: int | None = None  # seconds
    algorithm: Algorithm | None = None
    profile: TokenProfile | None = None


def changed(held: NewApi, change: ApiChange) -> NewApi:
    """Give the API as it is to be. Raises InvalidApi."""
    new = {
        name: value
        for name, value in msgspec.structs.asdict(change).items()
        if value is not None and name in NewApi.__struct_fields__
    }
    new["scopes"] = _changed_scopes(held.scopes, change)
    api = msgspec.structs.replace(held, **new)
    check_new_api(api)
    return api


def _changed_scopes(held: dict[str, str], change: ApiChange) -> dict[str, str]:
    scopes = (held if change.scopes is None else change.scopes) | change.more_scopes
    return {name: text for name, text in scopes.items() if name not in change.less_scopes}


def ref_of(identifier: str) -> str:
    """Spell an identifier so that it is one part of a path: base64url."""
    return urlsafe_b64encode(identifier.encode()).rstrip(b"=").decode()


def identifier_of(ref: str) -> str:
    """Read what ref_of gave; what it did not gives the identifier of no API."""
    try:
        identifier = urlsafe_b64decode(ref + "=" * (-len(ref) % 4)).decode("ascii")
    except ValueError:
        return ""
    return identifier if ref_of(identifier) == ref and identifier.isprintable() else ""


def check_value(name: str, held: Mapping[str, object], expected: str) -> Check:
    value = held.get(name)
    good = value == expected
    return Check(name, good=good, says=f"{value}" if good else f"{value}, and not {expected}")


def check_new_api(api: NewApi) -> None:
    _check_identifier(api.identifier)
    if not is_name(api.name):
        raise InvalidApi(NAME_RULE)
    if not MINIMUM_TOKEN_LIFETIME <= api.token_lifetime <= MAXIMUM_TOKEN_LIFETIME:
        raise InvalidApi(
            f"a token lives {MINIMUM_TOKEN_LIFETIME} to {MAXIMUM_TOKEN_LIFETIME} seconds"
        )
    if len(api.scopes) > _MAXIMUM_SCOPES:
        raise InvalidApi(f"an API has at most {_MAXIMUM_SCOPES} scopes")
    for scope, description in api.scopes.items():
        _check_scope(scope, description)


def _check_identifier(identifier: str) -> None:
    """RFC 8707 section 2: an absolute URI without a fragment."""
    try:
        parts = urlsplit(identifier)
        complete = bool(parts.netloc or parts.path)
    except ValueError:
        complete = False
    absolute = complete and _ABSOLUTE_URI.fullmatch(identifier)
    if not absolute or len(identifier) > _MAXIMUM_IDENTIFIER:
        raise InvalidApi(
            "an API's identifier is an absolute URI without a fragment, such as"
            f" https://api.example.com, of at most {_MAXIMUM_IDENTIFIER} ASCII characters"
        )


def _check_scope(scope: str, description: str) -> None:
    try:
        tokens = parse_scope(scope)
    except MalformedScope as error:
        raise InvalidApi(f"scope {scope!r}: {error}") from None
    if tokens != {scope} or len(scope) > _MAXIMUM_SCOPE:
        raise InvalidApi(f"scope {scope!r}: one word of at most {_MAXIMUM_SCOPE} characters")
    if len(description) > _MAXIMUM_DESCRIPTION or not (description + " ").isprintable():
        raise InvalidApi(
            f"scope {scope!r}: a description is up to {_MAXIMUM_DESCRIPTION} printable characters"
            " on one line"
        )
