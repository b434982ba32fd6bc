"""Workload identity: which JWTs of outside issuers stand for a client."""

import msgspec

from shared.domain.client_jwk import ClientJwk


class WorkloadRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JWT of this issuer whose claims match every pattern proves the client."""

    name: str
    issuer: str
    claims: dict[str, str]  # claim -> glob pattern
    audience: str | None = None  # None: the tenant's own issuer URL
    jwks: tuple[ClientJwk, ...] = ()  # none: found through the issuer's metadata
