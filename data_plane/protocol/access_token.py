"""The JWT access token, RFC 9068 section 2, bound to a key where one is proven (RFC 9449).

Between one token of a client and its next only the times, the id and the bound key differ. The rest
is encoded once, into a template; a token is that with the gaps filled.
"""

import msgspec

from data_plane.protocol.grants.client_credentials import Issue
from shared.domain.client import TokenProfile
from shared.domain.ids import ClientId, uuid_text
from shared.domain.jwk import Algorithm
from shared.domain.scope import format_scope
from shared.domain.static_claims import NO_CLAIMS

_encode = msgspec.json.Encoder().encode

# How the claims that vary stand in the encoding. Within a JSON string every quote is escaped, so no
# value of another claim can look like this.
_VARYING = b'"iat":0,"exp":0,"jti":""'
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
    before: bytes  # the claims up to those that vary
    behind: bytes  # and after them
    answer: bytes  # what follows the token in the answer, up to its type

    def claims(self, now: int, jti: bytes, jkt: str | None) -> bytes:
        """Encode the claims of one token; `jti` is a UUID's octets, `jkt` a key's thumbprint."""
        bound = "" if jkt is None else f',"cnf":{{"jkt":"{jkt}"}}'
        varying = f'"iat":{now},"exp":{now + self.lifetime},"jti":"{uuid_text(jti)}"{bound}'
        return b"%b%b%b" % (self.before, varying.encode(), self.behind)

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
    before, _, behind = _encode(claims).partition(_VARYING)
    if issue.client.claims != NO_CLAIMS:
        behind = b"," + issue.client.claims[1:]
    return TokenTemplate(
        api=issue.audience[0],
        lifetime=issue.lifetime,
        algorithm=issue.algorithm,
        profile=issue.profile,
        before=before,
        behind=behind,
        answer=b'","expires_in":%d,"scope":%b,"token_type":"' % (issue.lifetime, _encode(scope)),
    )
