"""Names for the identifiers that cross module boundaries, and how they are made."""

from base64 import b32encode
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", str)  # 13 characters of [a-z2-7], made by the server, never the slug
ClientId = NewType("ClientId", str)
Kid = NewType("Kid", str)  # RFC 7638 thumbprint

_VERSION_7 = 7 << 76
_RFC_9562_VARIANT = 2 << 62


def tenant_id(random: bytes) -> TenantId:
    """Make an id from 8 random bytes: short enough to be part of a schema's and a role's name."""
    return TenantId(b32encode(random).decode().rstrip("=").lower())


def schema_of(tenant: TenantId) -> str:
    return f"t_{tenant}"


def role_of(tenant: TenantId) -> str:
    return f"r_{tenant}"


def uuid7(now_ms: int, random: int) -> UUID:
    """Make a UUID of version 7, RFC 9562 section 5.7, from milliseconds and 74 random bits."""
    return UUID(bytes=uuid7_octets(now_ms, random))


def uuid7_octets(now_ms: int, random: int) -> bytes:
    """Make the same as its 16 octets: an object of Python's for each token would cost more."""
    random_a, random_b = random >> 62 & 0xFFF, random & (1 << 62) - 1
    value = now_ms << 80 | _VERSION_7 | random_a << 64 | _RFC_9562_VARIANT | random_b
    return value.to_bytes(16, "big")


def uuid_text(octets: bytes) -> str:
    """Spell 16 octets as RFC 9562 section 4 does."""
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid7_milliseconds(value: UUID) -> int:
    return value.int >> 80


def octets_milliseconds(octets: bytes) -> int:
    """The same of a UUID's 16 octets."""
    return int.from_bytes(octets[:6])
