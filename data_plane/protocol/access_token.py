"""The JWT access token, RFC 9068 section 2, bound to a key where one is proven (RFC 9449)."""

import msgspec

from data_plane.protocol.grants.client_credentials import Issue
from shared.domain.ids import ClientId
from shared.domain.scope import format_scope


class Confirmation(msgspec.Struct, frozen=True):
    """The key that a token is bound to, RFC 9449 section 6.1."""

    jkt: str  # its thumbprint


class AccessTokenClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Section 2.2; `azp` is for readers of Auth0's tokens."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: ClientId
    azp: ClientId
    scope: str
    iat: int
    exp: int
    jti: str
    cnf: Confirmation | msgspec.UnsetType = msgspec.UNSET

    @property
    def audience(self) -> tuple[str, ...]:
        return (self.aud,) if isinstance(self.aud, str) else self.aud

    @property
    def token_type(self) -> str:
        """How the token is presented, RFC 6749 section 7.1."""
        return "Bearer" if self.cnf is msgspec.UNSET else "DPoP"


class Issuance(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of this one issuance that no rule decides."""

    issuer: str
    now: int  # seconds since the epoch
    jti: str
    jkt: str | None = None  # thumbprint of the key that the client has proven


def access_token_claims(issue: Issue, this: Issuance) -> AccessTokenClaims:
    client_id = issue.client.client_id
    return AccessTokenClaims(
        iss=this.issuer,
        sub=client_id,  # section 2.2: without a resource owner, the client
        aud=issue.audience[0] if len(issue.audience) == 1 else issue.audience,
        client_id=client_id,
        azp=client_id,
        scope=format_scope(issue.scope),
        iat=this.now,
        exp=this.now + issue.lifetime,
        jti=this.jti,
        cnf=msgspec.UNSET if this.jkt is None else Confirmation(this.jkt),
    )


class TokenResponse(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749 section 5.1."""

    access_token: str
    expires_in: int  # seconds
    scope: str
    token_type: str
