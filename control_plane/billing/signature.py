"""Stripe's signature of a webhook: HMAC-SHA-256 of the time and the body as it arrived. Pure.

The SDK's own check takes a time in the future; this one takes neither that nor an old one.
"""

import hmac
from collections.abc import Sequence

_TOLERANCE = 300  # seconds, either way
_MOST_PARTS = 20
_LONGEST_TIME = 15  # digits


def is_signed(header: str, body: bytes, secrets: Sequence[str], now: int) -> bool:
    """Tell whether any of the secrets made one of the header's signatures (its `v1`)."""
    parts = [each.strip().partition("=") for each in header.split(",", _MOST_PARTS)]
    times = [value for name, _, value in parts if name == "t"]
    presented = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _is_time(times[0]):
        return False
    if abs(now - int(times[0])) > _TOLERANCE:
        return False
    signed = f"{times[0]}.".encode() + body
    made = [hmac.digest(each.encode(), signed, "sha256").hex() for each in secrets]
    return any(
        hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))
        for one in made
        for other in presented
    )


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME
