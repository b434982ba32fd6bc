"""The product as a client of itself: the built-in tenant, its API, and whose an API key is."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

SYSTEM_SLUG = "system"  # reserved: no customer's tenant has it
OPERATOR = "operator"  # the account of whoever runs the installation, which may everywhere
REVOKE_TOKENS = "revoke:tokens"

MANAGEMENT_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "read:tenants": "See tenants",
        "write:tenants": "Create, change, suspend and delete tenants",
        "read:clients": "See clients and APIs",
        "write:clients": "Register and change clients and APIs",
        "rotate:keys": "Rotate signing keys",
        REVOKE_TOKENS: "Revoke any token of a tenant",
        "read:usage": "See usage",
        "read:audit": "See who changed what",
    }
)


class KeyClaims(msgspec.Struct, frozen=True):
    """The static claims of an API key, which is a client of the built-in tenant."""

    account: str


def management_audience(console_url: str) -> str:
    """Give the `aud` of management tokens. `console_url` has no trailing slash."""
    return f"{console_url}/api/"
