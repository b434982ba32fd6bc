"""Token Introspection, RFC 7662 section 2.2."""

from typing import Literal, TypeAlias

import msgspec

from data_plane.protocol.access_token import AccessTokenClaims, Confirmation
from data_plane.protocol.revocation import DenySet
from shared.domain.client import Client
from shared.domain.ids import ClientId


class Inactive(msgspec.Struct, frozen=True):
    """The one answer for a token that is unknown, expired, revoked or none of the caller's."""

    active: Literal[False] = False


class Active(msgspec.Struct, frozen=True, kw_only=True):
    active: Literal[True] = True
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: ClientId  # the token's, never the caller's
    scope: str
    iat: int
    exp: int
    jti: str
    token_type: str
    cnf: Confirmation | msgspec.UnsetType = msgspec.UNSET


IntrospectionResponse: TypeAlias = Active | Inactive


def introspect(
    claims: AccessTokenClaims | None, caller: Client, revoked: DenySet, *, now: int
) -> IntrospectionResponse:
    """Answer for a token that this issuer signed, or None for any other text."""
    if claims is None or claims.exp <= now or revoked.denies(claims):
        return Inactive()
    if not _may_see(caller, claims):
        return Inactive()
    return Active(
        iss=claims.iss,
        sub=claims.sub,
        aud=claims.aud,
        client_id=claims.client_id,
        scope=claims.scope,
        iat=claims.iat,
        exp=claims.exp,
        jti=claims.jti,
        token_type=claims.token_type,
        cnf=claims.cnf,
    )


def _may_see(caller: Client, claims: AccessTokenClaims) -> bool:
    """Section 4: its own tokens, and those for an API that it serves."""
    return claims.client_id == caller.client_id or not caller.serves.isdisjoint(claims.audience)
