"""Nonces for DPoP proofs, RFC 9449 section 8: nothing is stored, and every worker knows them all.

A nonce is a MAC over the issuer and a step of time, so it is good for one to two steps.
"""

import hmac
from hmac import compare_digest

from data_plane.protocol.client_authentication import Peppers
from shared.domain.jws import encode_base64url

_STEP = 60  # seconds
_OCTETS = 18
_LABEL = b"DPoP nonce"  # so that the pepper's other use, digests of secrets, shares no key with it


def make_nonce(issuer: str, peppers: Peppers, *, now: int) -> str:
    """Make the nonce of this time, with the first pepper."""
    return _nonce(issuer, next(iter(peppers.values())), now // _STEP)


def is_fresh_nonce(nonce: str, issuer: str, peppers: Peppers, *, now: int) -> bool:
    """Tell whether it is of this step or the one before, by any pepper that is configured."""
    this = now // _STEP
    ours = [_nonce(issuer, each, step) for each in peppers.values() for step in (this, this - 1)]
    return any(compare_digest(nonce.encode(), each.encode()) for each in ours)


def _nonce(issuer: str, pepper: bytes, step: int) -> str:
    key = hmac.digest(pepper, _LABEL, "sha256")
    return encode_base64url(hmac.digest(key, f"{step}:{issuer}".encode(), "sha256")[:_OCTETS])
