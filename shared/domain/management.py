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


class KeyClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The static claims of an API key, which is a client of the built-in tenant."""

    account: str
    tenants: tuple[str, ...] = ()  # slugs, where it is for some of the account's and no others

    def covers(self, account: str, slug: str) -> bool:
        """Tell whether the key is for this tenant of the account. The operator's is for each."""
        of_account = self.account in {account, OPERATOR}
        return of_account and (not self.tenants or slug in self.tenants)


def management_audience(console_url: str) -> str:
    """Give the `aud` of management tokens. `console_url` has no trailing slash."""
    return f"{console_url}/api/"
