"""Requests signed by an operator's key, RFC 9421: what is covered, and how long it counts.

The clock allows a request 300 s; within them its nonce is spent, so that it counts once.
"""

import msgspec

from data_plane.protocol.errors import InvalidSignature
from data_plane.protocol.once import Kind, Once, once

# all of what makes the request: where it goes, what it carries, and how that is to be read
COVERED = ("@method", "@target-uri", "content-digest", "content-type")
_MAXIMUM_AGE, _MAXIMUM_AHEAD = 300, 10  # seconds
_MAXIMUM_NONCE = 200  # characters
_CLOCKS_APART = 60  # seconds that the store's clock may be ahead of ours

_REFUSED = "the request's signature does not count here"


class PresentedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came, but for its URL, which is ours: no Host header decides what it is."""

    method: str
    target_uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class RequestSignature(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a signature that has been verified (section 2.3)."""

    keyid: str
    created: int  # seconds since the epoch
    expires: int | None = None
    nonce: str | None = None


def accept_once(signature: RequestSignature | None, *, now: int) -> tuple[str, Once]:
    """Give the keyid and what is to be spent for the signature to count; or refuse it."""
    if signature is None or not _is_fresh(signature, now):
        raise InvalidSignature(_REFUSED)
    nonce = signature.nonce
    if not nonce or len(nonce) > _MAXIMUM_NONCE:
        raise InvalidSignature(_REFUSED)
    until = signature.created + _MAXIMUM_AGE + _CLOCKS_APART
    return signature.keyid, once(Kind.SIGNED_REQUEST, signature.keyid, nonce, expires_at=until)


def replayed() -> InvalidSignature:
    """Refuse a nonce that was spent before, in the words for everything else."""
    return InvalidSignature(_REFUSED)


def _is_fresh(signature: RequestSignature, now: int) -> bool:
    ended = signature.expires is not None and signature.expires <= now
    return not ended and now - _MAXIMUM_AGE <= signature.created <= now + _MAXIMUM_AHEAD
