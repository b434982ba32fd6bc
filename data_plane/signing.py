"""Signing and verifying access tokens (RFC 7515). The only module that imports a JWT library."""

from typing import Any

import msgspec
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.jws import MalformedJws, OwnHeader, encode_base64url, read_json, read_jws
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.client import TokenProfile
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm, PrivateKey, private_key_from_der
from shared.domain.snapshot import SigningKey
from shared.runtime.sealing import Sealer

_JWS_ALGORITHMS: dict[Algorithm, Any] = {
    Algorithm.ES256: ECAlgorithm(ECAlgorithm.SHA256),
    Algorithm.RS256: RSAAlgorithm(RSAAlgorithm.SHA256),
    Algorithm.EDDSA: OKPAlgorithm(),
}
_PROFILES = frozenset(TokenProfile)
_MAXIMUM_KEPT = 4096
_encode = msgspec.json.Encoder().encode


class JwtSigner:
    """Keeps what it has opened and prepared; all of it can be had again from the snapshot."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._private: dict[bytes, PrivateKey] = {}  # by the sealed key, which names its tenant
        self._public: dict[Kid, Any] = {}  # a kid is a digest of the key, so it means one key
        self._headers: dict[tuple[Kid, TokenProfile], str] = {}

    def sign(
        self,
        claims: AccessTokenClaims,
        issuer: ServedIssuer,
        algorithm: Algorithm,
        profile: TokenProfile,
    ) -> str:
        key = issuer.current_keys[algorithm]
        signing_input = f"{self._header(key, profile)}.{encode_base64url(_encode(claims))}"
        signature: bytes = _JWS_ALGORITHMS[algorithm].sign(
            signing_input.encode(), self._private_key(key, issuer)
        )
        return f"{signing_input}.{encode_base64url(signature)}"

    def verify(self, token: str, issuer: ServedIssuer) -> AccessTokenClaims | None:
        try:
            jws = read_jws(token, OwnHeader)
            key = issuer.keys.get(Kid(jws.header.kid))
            # the algorithm is the key's own, whatever a header says (RFC 8725 section 3.1)
            if key is None or jws.header.alg != key.algorithm or jws.header.typ not in _PROFILES:
                return None
            algorithm = _JWS_ALGORITHMS[key.algorithm]
            if not algorithm.verify(jws.signing_input, self._public_key(key), jws.signature):
                return None
            claims = read_json(jws.payload, AccessTokenClaims)
        except MalformedJws:
            return None
        return claims if claims.iss == issuer.issuer else None

    def _private_key(self, key: SigningKey, issuer: ServedIssuer) -> PrivateKey:
        held = self._private.get(key.sealed)
        if held is None:
            held = private_key_from_der(self._sealer.open(key.sealed, issuer.tenant_id, key.kid))
            keep(self._private, key.sealed, held, _MAXIMUM_KEPT)
        return held

    def _public_key(self, key: SigningKey) -> Any:
        held = self._public.get(key.kid)
        if held is None:
            held = _JWS_ALGORITHMS[key.algorithm].from_jwk(msgspec.to_builtins(key.jwk))
            keep(self._public, key.kid, held, _MAXIMUM_KEPT)
        return held

    def _header(self, key: SigningKey, profile: TokenProfile) -> str:
        held = self._headers.get((key.kid, profile))
        if held is None:
            header = {"alg": key.algorithm, "kid": key.kid, "typ": profile}
            held = encode_base64url(_encode(header))
            keep(self._headers, (key.kid, profile), held, _MAXIMUM_KEPT)
        return held
