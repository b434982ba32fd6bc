"""Signing and verifying access tokens (RFC 7515). The only module that imports a JWT library."""

from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm
from jwt.exceptions import InvalidKeyError

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.jws import (
    Jws,
    MalformedJws,
    OwnHeader,
    encode_base64url,
    read_json,
    read_jws,
)
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.client import TokenProfile
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm, PrivateKey, private_key_from_der
from shared.domain.snapshot import SigningKey
from shared.domain.static_claims import NO_CLAIMS
from shared.runtime.sealing import Sealer

_JWS_ALGORITHMS: dict[Algorithm, Any] = {
    Algorithm.ES256: ECAlgorithm(ECAlgorithm.SHA256),
    Algorithm.RS256: RSAAlgorithm(RSAAlgorithm.SHA256),
    Algorithm.EDDSA: OKPAlgorithm(),
}
# what others may sign with, and the kind of key that it takes (RFC 8725 section 3.1)
_FOREIGN: dict[str, tuple[Any, str, str | None]] = {
    "ES256": (_JWS_ALGORITHMS[Algorithm.ES256], "EC", "P-256"),
    "RS256": (_JWS_ALGORITHMS[Algorithm.RS256], "RSA", None),
    "PS256": (RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256), "RSA", None),
    "EdDSA": (_JWS_ALGORITHMS[Algorithm.EDDSA], "OKP", "Ed25519"),
}
_PROFILES = frozenset(TokenProfile)
_MAXIMUM_KEPT = 16_384  # a key for each issuer that a worker holds
_encode = msgspec.json.Encoder().encode


class JwtSigner:
    """Keeps what it has opened and prepared; all of it can be had again from the snapshot."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._private: dict[bytes, PrivateKey] = {}  # by the sealed key, which names its tenant
        self._public: dict[Kid, Any] = {}  # a kid is a digest of the key, so it means one key
        self._headers: dict[tuple[Kid, str], str] = {}

    def sign(
        self,
        claims: msgspec.Struct,
        issuer: ServedIssuer,
        algorithm: Algorithm,
        typ: str,
        more: bytes = NO_CLAIMS,
    ) -> str:
        key = issuer.current_keys[algorithm]
        payload = _encode(claims)
        if more != NO_CLAIMS:
            payload = payload[:-1] + b"," + more[1:]
        signing_input = f"{self._header(key, typ)}.{encode_base64url(payload)}"
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

    def _header(self, key: SigningKey, typ: str) -> str:
        held = self._headers.get((key.kid, typ))
        if held is None:
            header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
            held = encode_base64url(_encode(header))
            keep(self._headers, (key.kid, typ), held, _MAXIMUM_KEPT)
        return held


class ForeignVerifier:
    """Verifies what others have signed, with their public keys."""

    def __init__(self) -> None:
        self._loaded: dict[ClientJwk, Any] = {}

    def verify(self, jws: Jws[Any], algorithm: str, key: ClientJwk) -> bool:
        """Tell whether the key, used with this algorithm, made the signature."""
        if algorithm not in _FOREIGN or key.alg not in {None, algorithm}:
            return False
        if key.use not in {None, "sig"}:  # RFC 7517 section 4.2
            return False
        verifier, key_type, curve = _FOREIGN[algorithm]
        if (key.kty, key.crv) != (key_type, curve):
            return False
        loaded = self._load(verifier, key)
        if loaded is None:
            return False
        return bool(verifier.verify(jws.signing_input, loaded, jws.signature))

    def _load(self, verifier: Any, key: ClientJwk) -> Any:
        held = self._loaded.get(key)
        if held is None:
            try:
                held = verifier.from_jwk(msgspec.to_builtins(key))
            except (InvalidKeyError, UnsupportedAlgorithm, ValueError):
                return None
            if verifier.check_key_length(held):  # what is wrong with it, RFC 7518 section 3.3
                return None
            keep(self._loaded, key, held, _MAXIMUM_KEPT)
        return held
