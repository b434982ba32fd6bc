"""Public keys of others, as JSON Web Keys: a client's, or an outside issuer's (RFC 7517)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from shared.domain.jwk import thumbprint_of
from shared.domain.refused import Refused
from shared.domain.roca import is_weak_modulus

LARGEST_KEY_SET = 64 * 1024  # octets
MOST_KEYS = 20
_LONGEST_KID = 256  # characters
_COORDINATE_BYTES = 32
_RSA_BITS = range(2048, 8192 + 1)
_LONGEST_EXPONENT = 64  # bits; a longer one only makes verification slow
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 sections 6.2 to 6.4
_PRIME = 2**255 - 19  # of Ed25519, RFC 8032 section 5.1
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME

# what a key of each kind may sign with
_ALGORITHMS = {"EC": ("ES256",), "RSA": ("PS256", "RS256"), "OKP": ("EdDSA",)}


class ClientJwk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public key that signatures are verified with, and never one that could sign."""

    kty: str
    kid: str | None = None
    alg: str | None = None  # where it is given, the only one the key is used with
    use: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None


def thumbprint(key: ClientJwk) -> str:
    """Give its RFC 7638 thumbprint."""
    required = {
        name: value
        for name in ("crv", "e", "kty", "n", "x", "y")
        if (value := getattr(key, name)) is not None
    }
    return thumbprint_of(required)


class InvalidKeySet(Refused):
    """The key set cannot be taken. The message says why, and holds nothing of a key."""


class _UnusableKey(InvalidKeySet):
    """A key that is somebody's, but not one that we verify with."""


def read_key_set(octets: bytes) -> tuple[ClientJwk, ...]:
    """Read a key set that is registered with us. Raises InvalidKeySet."""
    return check_key_set(read_key_json(octets))


def check_key_set(contents: object) -> tuple[ClientJwk, ...]:
    """Check a key set `{"keys": [...]}` that is registered with us: every key must be of use.

    Raises InvalidKeySet.
    """
    keys = []
    for number, members in enumerate(_each_public(contents), start=1):
        try:
            keys.append(_key(members))
        except _UnusableKey as error:
            raise InvalidKeySet(f"key {number} {error}") from None
    kids = [key.kid for key in keys if key.kid is not None]
    if len(set(kids)) != len(kids):
        raise InvalidKeySet("two keys have the same kid")
    if not keys:
        raise InvalidKeySet("the key set has no key")
    return _few(keys)


def read_published_key_set(octets: bytes) -> tuple[ClientJwk, ...]:
    """Read a key set that somebody publishes for all the world: keys of no use to us are left out.

    Raises InvalidKeySet, also where one key has a private part: its owner has lost control.
    """
    keys = []
    for members in _each_public(read_key_json(octets)):
        with suppress(_UnusableKey):
            keys.append(_key(members))
    return _few(keys)


def _few(keys: list[ClientJwk]) -> tuple[ClientJwk, ...]:
    if len(keys) > MOST_KEYS:
        raise InvalidKeySet(f"the key set has more than {MOST_KEYS} keys")
    return tuple(keys)


def read_key_json(octets: bytes) -> object:
    """Read JSON that has each member once. Raises InvalidKeySet."""
    if len(octets) > LARGEST_KEY_SET:
        raise InvalidKeySet("the key set is larger than 64 KiB")
    try:
        contents: object = json.loads(
            octets.decode(), object_pairs_hook=_each_once, parse_constant=_not_json
        )
    except (ValueError, RecursionError):
        raise InvalidKeySet("the key set is not JSON with each member once") from None
    return contents


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _not_json(_: str) -> NoReturn:
    raise ValueError


def _each_public(contents: object) -> Iterator[dict[str, Any]]:
    """Give each key's members, once it is known that none of them is private."""
    entries = contents.get("keys") if isinstance(contents, dict) else None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InvalidKeySet('a key set is {"keys": [...]} with one object for each key')
    if any(not _PRIVATE.isdisjoint(each) for each in entries):
        raise InvalidKeySet("a key has a private or secret member: give the public key only")
    yield from entries


def _key(members: dict[str, Any]) -> ClientJwk:
    """Give the members that we use, of a key that we can use (RFC 7517 section 4)."""
    match members.get("kty"):
        case "EC":
            needed = _ec(members)
        case "RSA":
            needed = _rsa(members)
        case "OKP":
            needed = _okp(members)
        case _:
            raise _UnusableKey("must be of kty EC, RSA or OKP")
    return ClientJwk(kty=members["kty"], **_meant_for(members), **needed)


def _meant_for(members: dict[str, Any]) -> dict[str, str | None]:
    """Give what a key says of its use, which must be to verify signatures."""
    kid, alg, use = members.get("kid"), members.get("alg"), members.get("use")
    if kid is not None and not _is_kid(kid):
        raise _UnusableKey(f"must have a kid of at most {_LONGEST_KID} characters")
    if alg not in (None, *_ALGORITHMS[members["kty"]]):
        raise _UnusableKey("must have an alg that fits it: ES256, PS256, RS256 or EdDSA")
    if use not in (None, "sig") or not _may_verify(members.get("key_ops")):
        raise _UnusableKey("must be for signatures: use sig, key_ops verify")
    return {"kid": kid, "alg": alg, "use": use}


def _is_kid(kid: object) -> bool:
    """Tell whether it is text that can be stored and sent: no NUL, no half of a surrogate."""
    return isinstance(kid, str) and 0 < len(kid) <= _LONGEST_KID and kid.isprintable()


def _may_verify(key_ops: object) -> bool:
    return key_ops is None or (isinstance(key_ops, list) and "verify" in key_ops)


def _ec(members: dict[str, Any]) -> dict[str, str]:
    if members.get("crv") != "P-256":
        raise _UnusableKey("must be on the curve P-256")
    x, y = (_coordinate(members.get(name)) for name in ("x", "y"))
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    )
    try:
        numbers.public_key()
    except ValueError:
        raise _UnusableKey("is not a point on its curve") from None
    return {"crv": "P-256", "x": members["x"], "y": members["y"]}


def _okp(members: dict[str, Any]) -> dict[str, str]:
    if members.get("crv") != "Ed25519":
        raise _UnusableKey("must be on the curve Ed25519")
    if not _is_ed25519_point(_coordinate(members.get("x"))):
        raise _UnusableKey("is not a point on its curve")
    return {"crv": "Ed25519", "x": members["x"]}


def _is_ed25519_point(octets: bytes) -> bool:
    """Tell whether it is a point, RFC 8032 section 5.1.3, of more than eight multiples.

    The library takes any 32 octets. With a point of small order anybody signs anything.
    """
    y = int.from_bytes(octets, "little") & (2**255 - 1)
    square = y * y % _PRIME
    x_square = (square - 1) * pow(_D * square + 1, -1, _PRIME) % _PRIME
    is_small = x_square * square * (x_square + square) % _PRIME == 0
    return y < _PRIME and not is_small and pow(x_square, (_PRIME - 1) // 2, _PRIME) == 1


def _rsa(members: dict[str, Any]) -> dict[str, str]:
    n, e = (_unsigned(members.get(name)) for name in ("n", "e"))
    if n.bit_length() not in _RSA_BITS or n % 2 == 0:
        raise _UnusableKey("must have an RSA modulus of 2048 to 8192 bits")
    if is_weak_modulus(n):
        raise _UnusableKey("must not have an RSA modulus that is known to be weak (ROCA)")
    if e < 3 or e % 2 == 0 or e.bit_length() > _LONGEST_EXPONENT:  # noqa: PLR2004 - the least
        raise _UnusableKey("must have an odd RSA exponent of 3 or more, 65537 as a rule")
    return {"n": members["n"], "e": members["e"]}


def _coordinate(text: object) -> bytes:
    octets = _octets(text)
    if len(octets) != _COORDINATE_BYTES:
        raise _UnusableKey("must have coordinates of 32 octets")
    return octets


def _unsigned(text: object) -> int:
    """Read RFC 7518 section 2's Base64urlUInt: no zero octet in front."""
    octets = _octets(text)
    if octets[:1] in (b"", b"\0"):
        raise _UnusableKey("must have numbers without a zero octet in front")
    return int.from_bytes(octets, "big")


def _octets(text: object) -> bytes:
    """Decode base64url in its one spelling: no padding, no stray bits."""
    if isinstance(text, str) and text.isascii():
        with suppress(Base64Error):
            octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if urlsafe_b64encode(octets).rstrip(b"=").decode() == text:
                return octets
    raise _UnusableKey("must have its numbers in base64url without padding")
