"""Reading a management token: an access token of the built-in tenant, for our own audience.

The rules are the data plane's (hostile-inputs.md, section D): one algorithm, fixed here; a key of
ours by its kid; one spelling; each member once.
"""

from collections.abc import Mapping

import msgspec
from jwt.algorithms import ECAlgorithm

from shared.domain.client import TokenProfile
from shared.domain.ids import ClientId, Kid
from shared.domain.jwk import Algorithm, Jwk
from shared.domain.jws import MalformedJws, OwnHeader, read_json, read_jws

_ES256 = ECAlgorithm(ECAlgorithm.SHA256)


class TokenClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Of RFC 9068 section 2.2, what is asked about here."""

    iss: str
    aud: str | tuple[str, ...]
    client_id: ClientId
    scope: str
    iat: int
    exp: int
    jti: str
    cnf: object = msgspec.UNSET

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split(" "))

    def is_for(self, issuer: str, audience: str, now: float) -> bool:
        """Tell whether it counts there. One that is bound to a key is no bearer's (RFC 9449)."""
        audiences = (self.aud,) if isinstance(self.aud, str) else self.aud
        is_bearers = self.cnf is msgspec.UNSET
        return self.iss == issuer and audience in audiences and now < self.exp and is_bearers


def read_token(token: str, keys: Mapping[Kid, Jwk]) -> TokenClaims | None:
    """Give the claims of a token that one of these keys has signed; None of any other text."""
    try:
        jws = read_jws(token, OwnHeader)
        key = keys.get(Kid(jws.header.kid))
        if key is None or jws.header.alg != Algorithm.ES256 or key.alg != Algorithm.ES256:
            return None
        if jws.header.typ != TokenProfile.AT_JWT:
            return None
        public = ECAlgorithm.from_jwk(msgspec.to_builtins(key))
        if not _ES256.verify(jws.signing_input, public, jws.signature):
            return None
        return read_json(jws.payload, TokenClaims)
    except MalformedJws:
        return None
