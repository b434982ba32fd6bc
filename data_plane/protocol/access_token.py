"""The JWT access token, RFC 9068 section 2, bound to a key where one is proven (RFC 9449).

Between one token of a client and its next only the times, the id and the bound key differ. The rest
is encoded once, into a template; a token's payload is that and then what is its own.
"""

import msgspec

from data_plane.protocol.grants.client_credentials import Issue
from shared.domain.client import TokenProfile
from shared.domain.ids import ClientId, uuid_text
from shared.domain.jwk import Algorithm
from shared.domain.jws import base64url
from shared.domain.scope import format_scope
from shared.domain.static_claims import NO_CLAIMS

_encode = msgspec.json.Encoder().encode

# How the claims that vary end the encoding.
_VARYING = b'"iat":0,"exp":0,"jti":""}'
_GROUP = 3  # octets that base64 encodes by themselves
_TOKEN = b'{"access_token":"'


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


class TokenTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """All that the tokens of one decision have in common, and how they are signed."""

    api: str  # the first audience
    lifetime: int  # seconds
    algorithm: Algorithm
    profile: TokenProfile
    encoded: bytes  # the payload up to what varies, in whole groups
    begun: bytes  # the octets of the next group
    answer: bytes  # what follows the token in the answer, up to its type

    def payload(self, now: int, jti: bytes, jkt: str | None) -> bytes:
        """Encode one token's claims, RFC 7515 section 3; `jti`: a UUID's octets, `jkt`: its key."""
        bound = "" if jkt is None else f',"cnf":{{"jkt":"{jkt}"}}'
        varying = f'"iat":{now},"exp":{now + self.lifetime},"jti":"{uuid_text(jti)}"{bound}}}'
        return self.encoded + base64url(self.begun + varying.encode())

    def response(self, token: bytes, jkt: str | None) -> bytes:
        """Encode the answer, RFC 6749 section 5.1."""
        ending = b'Bearer"}' if jkt is None else b'DPoP"}'
        return b"%b%b%b%b" % (_TOKEN, token, self.answer, ending)


def template_of(issue: Issue, issuer: str) -> TokenTemplate:
    client_id, scope = issue.client.client_id, format_scope(issue.scope)
    claims = AccessTokenClaims(
        iss=issuer,
        sub=client_id,  # section 2.2: without a resource owner, the client
        aud=issue.audience[0] if len(issue.audience) == 1 else issue.audience,
        client_id=client_id,
        azp=client_id,
        scope=scope,
        iat=0,
        exp=0,
        jti="",
    )
    same = _encode(claims).removesuffix(_VARYING)
    if issue.client.claims != NO_CLAIMS:
        same += issue.client.claims[1:-1] + b","
    whole = len(same) - len(same) % _GROUP
    return TokenTemplate(
        api=issue.audience[0],
        lifetime=issue.lifetime,
        algorithm=issue.algorithm,
        profile=issue.profile,
        encoded=base64url(same[:whole]),
        begun=same[whole:],
        answer=b'","expires_in":%d,"scope":%b,"token_type":"' % (issue.lifetime, _encode(scope)),
    )
