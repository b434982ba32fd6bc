"""A client's own static claims, which stand in each of its tokens (RFC 9068 section 2.2.2)."""

import re
from typing import Any

import msgspec

from shared.domain.refused import Refused

NO_CLAIMS = b"{}"
MOST_CLAIMS = 20
LARGEST_CLAIMS = 2 * 1024  # octets of JSON
_NAME = re.compile(r"[!-~]{1,64}")
_DEEPEST = 5
_LARGEST_INTEGER = 2**53 - 1  # what every reader of JSON reads alike, RFC 8259 section 6

# What a token says by itself, or what a reader would take for our word about it. Taken from RFC
# 7519 s4.1, 7662 s2.2, 7800, 8693, 9068 s2.2, OpenID Connect Core s2 and Auth0's `azp` and `gty`.
# fmt: off
REGISTERED = frozenset({
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "scp", "client_id", "azp", "gty",
    "cnf", "act", "may_act", "authorization_details", "active", "token_type", "typ",
    "token_introspection", "auth_time", "acr", "amr", "nonce", "at_hash", "c_hash", "s_hash",
    "sid", "events", "sub_id", "username",
})
# fmt: on

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class InvalidStaticClaims(Refused):
    """The claims cannot be taken. The message says why, and holds nothing of their values."""


def check_static_claims(contents: dict[str, Any]) -> bytes:
    """Check claims that somebody wants for a client; give them as JSON.

    Raises InvalidStaticClaims.
    """
    if len(contents) > MOST_CLAIMS:
        raise InvalidStaticClaims(f"a client has at most {MOST_CLAIMS} claims of its own")
    for name, value in contents.items():
        _check_name(name)
        _check_value(value, _DEEPEST)
    try:
        encoded = _encode(contents)
    except (UnicodeEncodeError, ValueError):
        raise InvalidStaticClaims("a claim has text that is not Unicode") from None
    if len(encoded) > LARGEST_CLAIMS:
        raise InvalidStaticClaims("the claims are larger than 2 KiB")
    return encoded


def without_registered(stored: bytes) -> bytes:
    """Give the stored object without the names that only we may set, whoever stored them."""
    if stored == NO_CLAIMS:
        return NO_CLAIMS  # the same bytes for every client
    members = _decode_members(stored)  # values stay as they are written
    return _encode({name: each for name, each in members.items() if name not in REGISTERED})


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidStaticClaims("a claim's name is 1 to 64 ASCII characters without space")
    if name in REGISTERED:
        raise InvalidStaticClaims(f"the claim {name!r} has a meaning of its own in a token")


def _check_value(value: object, deepest: int) -> None:
    """Check that it is JSON that every reader reads alike."""
    match value:
        case bool() | str() | None:
            return
        case int() if abs(value) <= _LARGEST_INTEGER:
            return
        case list() if deepest:
            inner = value
        case dict() if deepest and all(isinstance(each, str) for each in value):
            inner = [*value.keys(), *value.values()]
        case _:
            raise InvalidStaticClaims(
                "a claim is text, a whole number up to 2^53, true, false, null, or a list or object"
                f" of these, {_DEEPEST} deep at most"
            )
    for each in inner:
        _check_value(each, deepest - 1)
