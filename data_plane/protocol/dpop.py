"""Proof of possession of a key at the token endpoint, RFC 9449 sections 4, 5 and 8."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from data_plane.protocol.errors import InvalidDpopProof
from data_plane.protocol.once import Kind, Once, once
from shared.domain.client_jwk import ClientJwk, InvalidKeySet, check_key_set, thumbprint
from shared.domain.jws import (
    FOREIGN_ALGORITHMS,
    Jws,
    MalformedJws,
    read_json,
    read_jws,
)

# Seconds. FAPI 2.0 section 5.3.2.1: a clock that is 10 s ahead must do, one of 60 s must not. A
# proof may be as old as a slow connection makes it; the replay store keeps it for as long.
_OLDEST, _AHEAD = 60, 15
_CLOCKS_APART = 60  # seconds by which our own machines' clocks may differ

_REFUSED = "the DPoP proof is not valid"
_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_UNRESERVED = re.compile(r"%(2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section 4.2. Any other member (`crit`, `jku`, `x5u`) ends the reading, but for a kid."""

    typ: Literal["dpop+jwt"]
    alg: str
    jwk: dict[str, Any]
    kid: str | None = None


class _Claims(msgspec.Struct, frozen=True):
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    htm: str
    htu: str
    iat: int
    nonce: str | None = None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that is right but for its signature, its nonce, and whether it was seen before."""

    jws: Jws[Any]
    algorithm: str
    key: ClientJwk
    thumbprint: str  # `jkt`, section 6.1
    nonce: str | None
    spend: Once


def proof_in(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Find the DPoP header; two are refused (section 4.3, 1). Names are in lower case."""
    found = [value for name, value in headers if name == b"dpop"]
    if len(found) > 1:
        raise InvalidDpopProof("there is more than one DPoP proof")
    return found[0].decode("latin-1") if found else None


def read_proof(text: str, url: str, *, now: int) -> Proof:
    """Do the checks of section 4.3 that need no store and no key of ours.

    `url` is the token endpoint's, as it is configured. Raises InvalidDpopProof.
    """
    try:
        jws = read_jws(text, _Header)
        claims = read_json(jws.payload, _Claims)
        keys = check_key_set({"keys": [jws.header.jwk]})
    except (MalformedJws, InvalidKeySet):
        raise InvalidDpopProof(_REFUSED) from None
    key = keys[0]
    is_right = (
        jws.header.alg in FOREIGN_ALGORITHMS
        and claims.htm == "POST"
        and _is_same_url(claims.htu, url)
        and now - _OLDEST <= claims.iat <= now + _AHEAD
    )
    if not is_right:
        raise InvalidDpopProof(_REFUSED)
    jkt = thumbprint(key)
    expires_at = claims.iat + _OLDEST + _CLOCKS_APART
    return Proof(
        jws=jws,
        algorithm=jws.header.alg,
        key=msgspec.structs.replace(key, kid=None),  # one key has one place in what is kept of keys
        thumbprint=jkt,
        nonce=claims.nonce,
        spend=once(Kind.PROOF, jkt, claims.jti, expires_at=expires_at),
    )


def _is_same_url(given: str, ours: str) -> bool:
    """Compare without query and fragment, after RFC 3986 section 6.2 (section 4.3, 9)."""
    if not _URL.fullmatch(given):
        return False
    try:
        return _normal(urlsplit(given)) == _normal(urlsplit(ours))
    except ValueError:  # a port that is none
        return False


def _normal(url: SplitResult) -> tuple[object, ...]:
    port = url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]
    path = _UNRESERVED.sub(lambda escape: chr(int(escape[1], 16)), url.path)
    path = _ESCAPE.sub(lambda escape: escape[0].upper(), path)
    return url.scheme, url.username, url.password, url.hostname, port, path
