"""Signing keys as JSON Web Keys, RFC 7517, 7518 and 8037; thumbprints, RFC 7638."""

from base64 import urlsafe_b64encode
from enum import StrEnum
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from shared.domain.ids import Kid

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_RSA_BITS = 2048
_RSA_EXPONENT = 65537
_P256_BYTES = 32


class Algorithm(StrEnum):
    """The JWS algorithms we sign with (RFC 7518 section 3.1, RFC 8037 section 3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"
    EDDSA = "EdDSA"


class Jwk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A public signing key. There is no field that could hold a private part.

    Literals: each decoded str is an object of its own, and a worker holds thousands of keys.
    """

    kty: Literal["EC", "OKP", "RSA"]
    use: Literal["sig"]
    alg: Algorithm
    kid: Kid
    crv: Literal["P-256", "Ed25519"] | msgspec.UnsetType = msgspec.UNSET
    x: str | msgspec.UnsetType = msgspec.UNSET
    y: str | msgspec.UnsetType = msgspec.UNSET
    n: str | msgspec.UnsetType = msgspec.UNSET
    e: str | msgspec.UnsetType = msgspec.UNSET


_ALGORITHMS = {"EC": Algorithm.ES256, "RSA": Algorithm.RS256, "OKP": Algorithm.EDDSA}


def generate_private_key(algorithm: Algorithm) -> PrivateKey:
    """Make a key. RSA takes 20-150 ms of a core, the others well under one."""
    match algorithm:
        case Algorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case Algorithm.RS256:
            return rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
        case Algorithm.EDDSA:
            return ed25519.Ed25519PrivateKey.generate()


def private_key_to_der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def private_key_from_der(der: bytes) -> PrivateKey:
    """Load a key that we made ourselves: RSA's 40 ms of primality checks are left out."""
    key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, PrivateKey):
        raise TypeError("not a key of an algorithm we sign with")
    return key


def public_jwk(key: PrivateKey) -> Jwk:
    members = public_members(key.public_key())
    return _jwk(_ALGORITHMS[members["kty"]], members)


def public_members(key: PublicKey) -> dict[str, str]:
    """Give the members that say which key it is (RFC 7518 section 6, RFC 8037 section 2)."""
    match key:
        case ec.EllipticCurvePublicKey():
            point = key.public_numbers()
            return {
                "crv": "P-256",
                "kty": "EC",
                "x": _base64url(point.x.to_bytes(_P256_BYTES, "big")),
                "y": _base64url(point.y.to_bytes(_P256_BYTES, "big")),
            }
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            return {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}
        case ed25519.Ed25519PublicKey():
            return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}


def thumbprint_of(required_members: dict[str, str]) -> str:
    """RFC 7638 section 3: the required members only, in order, without white space."""
    return _base64url(sha256(msgspec.json.encode(required_members, order="sorted")).digest())


def _jwk(algorithm: Algorithm, required_members: dict[str, str]) -> Jwk:
    kid = Kid(thumbprint_of(required_members))
    members = {"use": "sig", "alg": algorithm, "kid": kid, **required_members}
    return msgspec.convert(members, Jwk)


def _unsigned(number: int) -> str:
    """Encode as RFC 7518 section 2's Base64urlUInt."""
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
