"""Introspection answered by a JWT, RFC 9701: who asks for it (section 4), what is in it (5)."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from data_plane.protocol.introspection import IntrospectionResponse
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm

MEDIA_TYPE = b"application/token-introspection+jwt"
TYP = "token-introspection+jwt"
INTROSPECTION_ALGORITHM = Algorithm.RS256  # section 6's default: each tenant has the key

_JSON_IS_IN = (b"application/json", b"application/*", b"*/*")
_WEIGHT = re.compile(rb"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")  # RFC 9110 section 12.4.2


class IntrospectionToken(msgspec.Struct, frozen=True, kw_only=True):
    """Section 5. No `sub` and no `exp` at the top: nobody shall take it for an access token."""

    iss: str
    aud: ClientId  # the caller
    iat: int
    token_introspection: IntrospectionResponse


def wants_jwt(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Tell whether Accept names the JWT and puts no other before it (RFC 9110 section 12.5.1).

    A wildcard does not ask for it. Names of headers are in lower case.
    """
    weights: dict[bytes, float] = {}
    for name, value in headers:
        if name == b"accept":
            weights |= dict(_weighed(each) for each in value.split(b","))
    asked = weights.get(MEDIA_TYPE, 0.0)
    return asked > 0 and asked >= _weight_of_json(weights)


def _weight_of_json(weights: Mapping[bytes, float]) -> float:
    """Give the weight of the most specific range that JSON is in."""
    return next((weights[each] for each in _JSON_IS_IN if each in weights), 0.0)


def _weighed(media_range: bytes) -> tuple[bytes, float]:
    """Give a media range and its weight: nothing for one that is malformed."""
    media_type, *parameters = (part.strip().lower() for part in media_range.split(b";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name == b"q":
            weight = float(value) if _WEIGHT.fullmatch(value) else 0.0
    return media_type, weight
