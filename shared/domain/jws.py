"""Reading the compact serialisation, RFC 7515 sections 3 and 7.1, before any key is touched.

Strict where libraries are lenient: one spelling per token (no padding, no stray bits), no member
twice, no critical extension, a bound on the length before anything is decoded.
"""

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any, Generic, NoReturn, TypeVar

import msgspec

MAXIMUM_TOKEN = 8 * 1024  # characters
_PARTS = 3
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_NONE_KNOWN: Mapping[str, Any] = MappingProxyType({})

FOREIGN_ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")  # what others may sign with

Header = TypeVar("Header", bound=msgspec.Struct)
Claims = TypeVar("Claims", bound=msgspec.Struct)


class MalformedJws(ValueError):
    """The text is not a compact JWS that we would read."""


class Jws(msgspec.Struct, Generic[Header], frozen=True, kw_only=True):
    """A token that is well-formed; nothing of it has been verified."""

    header: Header
    signing_input: bytes
    payload: bytes
    signature: bytes


class OwnHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The members of a header that we write; any other (`crit`, `jwk`, `zip`) ends the reading."""

    alg: str
    kid: str
    typ: str


def read_jws(
    token: str, header: type[Header], known: Mapping[str, Header] = _NONE_KNOWN
) -> Jws[Header]:
    """Read a token whose header is of this type; `known`: by their text, those read before."""
    if len(token) > MAXIMUM_TOKEN or not token.isascii():
        raise MalformedJws
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise MalformedJws
    header_part, payload_part, signature_part = parts
    return Jws(
        header=known.get(header_part) or read_json(decode_base64url(header_part), header),
        signing_input=f"{header_part}.{payload_part}".encode(),
        payload=decode_base64url(payload_part),
        signature=decode_base64url(signature_part),
    )


def read_json(octets: bytes, as_type: type[Claims]) -> Claims:
    """Read an object of this type: each member once, finite numbers (RFC 7519 section 4)."""
    try:
        contents = json.loads(
            octets.decode(),
            object_pairs_hook=_each_once,
            parse_constant=_not_json,
            parse_float=_finite,
        )
        msgspec.json.encode(contents)  # a lone surrogate is no text
        return msgspec.convert(contents, as_type, strict=True)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise MalformedJws from None


def decode_base64url(text: str) -> bytes:
    """Decode without padding, RFC 7515 section 2, only the canonical spelling (RFC 4648 s3.5)."""
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        raise MalformedJws from None
    if encode_base64url(octets) != text:
        raise MalformedJws
    return octets


def encode_base64url(octets: bytes) -> str:
    return base64url(octets).decode()


def base64url(octets: bytes) -> bytes:
    """Encode without padding, RFC 7515 section 2."""
    return b2a_base64(octets, newline=False).translate(_URL_SAFE).rstrip(b"=")


def compact(signing_input: bytes, signature: bytes) -> bytes:
    """Give the compact serialisation, RFC 7515 section 7.1."""
    return b"%b.%b" % (signing_input, base64url(signature))


class OpenedKey(msgspec.Struct, frozen=True):
    """A private key, with the first part of all that is signed by it."""

    header: bytes  # the JOSE header, encoded, with the dot behind it
    sign: Callable[[bytes], bytes]  # gives the signature, RFC 7518 section 3

    def signed(self, payload: bytes) -> bytes:
        """Sign a JSON object, encoded as RFC 7515 section 3 has it; give the compact form."""
        signing_input = self.header + payload
        return compact(signing_input, self.sign(signing_input))


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJws
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise MalformedJws
    return number


def _not_json(_: str) -> NoReturn:
    raise MalformedJws
