"""Numbers of keys, as RFC 7518 writes them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Literal

_COORDINATE_BYTES = 32


def base64url(number: int, order: Literal["big", "little"] = "big") -> str:
    """Write a number; a coordinate's length is kept, and a longer one's is its own."""
    little = _COORDINATE_BYTES if order == "little" else 1
    octets = number.to_bytes(max(little, (number.bit_length() + 7) // 8), order)
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def coordinates(key: dict[str, Any]) -> tuple[int, int]:
    x, y = (int.from_bytes(urlsafe_b64decode(key[name] + "=="), "big") for name in ("x", "y"))
    return x, y
