"""Making client ids and client secrets, and the digest under which a secret rests.

A secret is `as_cs_` + 43 characters (256 random bits) + 6 characters of checksum, all of
[A-Za-z0-9_], so that its form-encoding (RFC 6749 section 2.3.1) is itself and a secret scanner
recognises it. It is shown once. What rests is HMAC-SHA-256 under a pepper: a slow hash would cost
10 ms a request and buys nothing against 256 random bits.
"""

import os
import secrets
from binascii import crc32

import msgspec

from shared.domain.client import HeldSecret
from shared.domain.ids import ClientId
from shared.domain.secret_digest import digest_secret
from shared.runtime.config import Key

PREFIX = "as_cs_"
LAST_CHARACTERS = 4
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CLIENT_ID_CHARACTERS = 16  # 95 bits


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    text: str  # to be shown once, never kept
    held: HeldSecret

    @property
    def last_four(self) -> str:
        return self.text[-LAST_CHARACTERS:]

    def __repr__(self) -> str:
        return "NewSecret(…)"


def make_client_id() -> ClientId:
    return ClientId("c_" + "".join(secrets.choice(_ALPHABET) for _ in range(_CLIENT_ID_CHARACTERS)))


def make_client_secret(peppers: tuple[Key, ...]) -> NewSecret:
    pepper = peppers[0]
    body = PREFIX + _base62(int.from_bytes(os.urandom(32), "big"), 43)
    text = body + checksum(body)
    held = HeldSecret(digest=digest_secret(text, pepper.octets), pepper_id=pepper.key_id)
    return NewSecret(text=text, held=held)


def checksum(body: str) -> str:
    return _base62(crc32(body.encode()), 6)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
