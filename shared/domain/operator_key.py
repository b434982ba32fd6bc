"""Public keys of operators, who sign requests with them (RFC 9421), as a key set (RFC 7517)."""

from base64 import urlsafe_b64decode
from typing import TypeAlias

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_OCTETS = 32  # of a coordinate on P-256, and of an Ed25519 key
_RULE = "must be a JWKS of public keys, each EC on P-256 or OKP on Ed25519, with a kid of its own"


class OperatorKey(msgspec.Struct, frozen=True):
    kid: str  # the signatures' keyid
    key: PublicKey


class _Jwk(msgspec.Struct):
    kid: str
    kty: str
    crv: str
    x: str
    y: str = ""
    d: str = ""


class _Jwks(msgspec.Struct):
    keys: list[_Jwk]


def read_operator_keys(text: str) -> tuple[OperatorKey, ...]:
    """Raises ValueError, whose message repeats nothing of the text."""
    try:
        found = msgspec.json.decode(text, type=_Jwks).keys
        keys = tuple(OperatorKey(each.kid, _public_key(each)) for each in found)
    except (ValueError, UnsupportedAlgorithm, msgspec.MsgspecError):
        raise ValueError(_RULE) from None
    kids = {each.kid for each in keys}
    if not keys or "" in kids or len(kids) != len(keys):
        raise ValueError(_RULE)
    return keys


def _public_key(jwk: _Jwk) -> PublicKey:
    if jwk.d:
        raise ValueError("a private key")
    match jwk.kty, jwk.crv:
        case "EC", "P-256":
            x, y = (int.from_bytes(_octets(each), "big") for each in (jwk.x, jwk.y))
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        case "OKP", "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk.x))
        case _:
            raise ValueError("a key of another kind")


def _octets(text: str) -> bytes:
    octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(octets) != _OCTETS:
        raise ValueError("a coordinate of another length")
    return octets
