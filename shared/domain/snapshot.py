"""What the control plane publishes and the data plane serves from.

Beside the rows of clients, this is the whole contract between the planes.
"""

from enum import StrEnum

import msgspec

from shared.domain.ids import Kid, TenantId
from shared.domain.jwk import Algorithm, Jwk
from shared.domain.limits import NO_LIMITS, TenantLimits


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"  # no new tokens; the key set stays, so that live tokens still verify
    DELETED = "deleted"


class KeyState(StrEnum):
    NEXT = "next"  # published, does not sign yet
    CURRENT = "current"  # signs
    RETIRED = "retired"  # signs no more, published until its last token has expired


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    state: KeyState
    jwk: Jwk
    sealed: bytes  # the private key; see shared.runtime.sealing

    @property
    def kid(self) -> Kid:
        return self.jwk.kid

    @property
    def algorithm(self) -> Algorithm:
        return self.jwk.alg


class IssuerSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    tenant_id: TenantId
    slug: str
    account_id: str = ""  # whose management tokens count here
    version: int
    status: TenantStatus
    signing_keys: tuple[SigningKey, ...]
    scopes: tuple[str, ...]  # of all the tenant's APIs, for `scopes_supported`
    limits: TenantLimits = NO_LIMITS
