"""What may be presented once: the `jti` of an assertion or proof (RFC 7523 s3, RFC 9449 s11.1)."""

from enum import StrEnum
from hashlib import sha256

import msgspec


class Kind(StrEnum):
    ASSERTION = "assertion"
    PROOF = "proof"
    SIGNED_REQUEST = "signed request"


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """What the replay store keeps of it, until nothing that repeats it could be taken any more."""

    digest: bytes
    expires_at: int  # seconds since the epoch


def once(kind: Kind, *parts: str, expires_at: int) -> Once:
    """Digest the parts, each with its length: `a:b` and `c` are not `a` and `b:c`."""
    text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    return Once(digest=sha256(text.encode()).digest(), expires_at=expires_at)
