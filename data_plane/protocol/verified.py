"""Tokens whose signature was right (RFC 7515 section 5.2), and is not computed once more.

A resource server asks about the same token until it expires, and nine tenths of an answer's time
would go into the same signature. What is kept is the name of the token's text (KeyedHash), and its
claims; whether it has expired, is revoked, or may be seen by who asks is decided each time.

A name counts for one version of the issuer. What that version's keys have signed cannot change, and
the next version, which may lack a key, finds nothing here.
"""

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.ids import TenantId

_MAXIMUM_KEPT = 8192  # of all issuers; each takes about 1 KB


class VerifiedTokens:
    """One for each worker. Only what was right is remembered."""

    def __init__(self) -> None:
        self._held: dict[tuple[TenantId, int, bytes], AccessTokenClaims] = {}

    def get(self, name: bytes, issuer: ServedIssuer) -> AccessTokenClaims | None:
        return self._held.get((issuer.tenant_id, issuer.snapshot.version, name))

    def remember(self, name: bytes, issuer: ServedIssuer, claims: AccessTokenClaims) -> None:
        key = issuer.tenant_id, issuer.snapshot.version, name
        keep(self._held, key, claims, _MAXIMUM_KEPT)

    def __len__(self) -> int:
        return len(self._held)
