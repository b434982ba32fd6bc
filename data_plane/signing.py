"""Signing and verifying access tokens (RFC 7515). The only module that imports a JWT library."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm
from jwt.exceptions import InvalidKeyError

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.bounded import keep
from shared.domain.client import TokenProfile
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import Kid, TenantId
from shared.domain.jwk import Algorithm, PrivateKey, PublicKey, private_key_from_der
from shared.domain.jws import (
    Jws,
    MalformedJws,
    OpenedKey,
    OwnHeader,
    base64url,
    read_json,
    read_jws,
)
from shared.domain.snapshot import SigningKey
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
_SHA256, _PKCS1 = SHA256(), PKCS1v15()
_ECDSA = ECDSA(Prehashed(_SHA256))  # hashed by Python's own, a signature costs 4 % less
_P256_OCTETS = 32
_PROFILES = frozenset(TokenProfile)
_MAXIMUM_KEPT = 16_384  # a key for each issuer that a worker holds
_encode = msgspec.json.Encoder().encode

_Check: TypeAlias = Callable[[bytes, bytes], bool]  # is this the signature of these octets?


class JwtSigner:
    """Keeps what it has opened and prepared; all of it can be had again from the snapshot."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        # by tenant as well: opening what is sealed checks whose it is, and must not be passed over
        self._ready: dict[tuple[TenantId, Kid, str], OpenedKey] = {}
        self._checks: dict[Kid, _Check] = {}  # a kid is a digest of the key, so it means one key
        self._headers: dict[str, OwnHeader] = {}  # of tokens that were ours, by their text

    def key(self, issuer: ServedIssuer, algorithm: Algorithm, typ: str) -> OpenedKey:
        key = issuer.current_keys[algorithm]
        return self._ready.get((issuer.tenant_id, key.kid, typ)) or self._open(key, issuer, typ)

    def verify(self, token: str, issuer: ServedIssuer) -> AccessTokenClaims | None:
        try:
            jws = read_jws(token, OwnHeader, self._headers)
            key = issuer.keys.get(Kid(jws.header.kid))
            # the algorithm is the key's own, whatever a header says (RFC 8725 section 3.1)
            if key is None or jws.header.alg != key.algorithm or jws.header.typ not in _PROFILES:
                return None
            check = self._checks.get(key.kid) or self._load(key)
            if not check(jws.signature, jws.signing_input):
                return None
            claims = read_json(jws.payload, AccessTokenClaims)
        except MalformedJws:
            return None
        keep(self._headers, token.partition(".")[0], jws.header, _MAXIMUM_KEPT)
        return claims if claims.iss == issuer.issuer else None

    def _open(self, key: SigningKey, issuer: ServedIssuer, typ: str) -> OpenedKey:
        private = private_key_from_der(self._sealer.open(key.sealed, issuer.tenant_id, key.kid))
        header = _encode({"alg": key.algorithm, "kid": key.kid, "typ": typ})
        ready = OpenedKey(base64url(header) + b".", _sign_with(private))
        keep(self._ready, (issuer.tenant_id, key.kid, typ), ready, _MAXIMUM_KEPT)
        return ready

    def _load(self, key: SigningKey) -> _Check:
        algorithm = _JWS_ALGORITHMS[key.algorithm]
        check = _check_with(algorithm.from_jwk(msgspec.to_builtins(key.jwk)))
        keep(self._checks, key.kid, check, _MAXIMUM_KEPT)
        return check


def _sign_with(private: PrivateKey) -> Callable[[bytes], bytes]:
    """Give the function that makes the key's signatures, RFC 7518 section 3.

    The same as PyJWT's, whose layers cost as much again as the signature of a small key.
    """
    match private:
        case RSAPrivateKey():
            return lambda octets: private.sign(octets, _PKCS1, _SHA256)
        case Ed25519PrivateKey():
            return private.sign
        case EllipticCurvePrivateKey():
            return lambda octets: raw_signature(private.sign(sha256(octets).digest(), _ECDSA))


def _check_with(public: PublicKey) -> _Check:
    """Give the function that tells whether the key made a signature of these octets."""
    match public:
        case RSAPublicKey():
            return _telling(lambda made, octets: public.verify(made, octets, _PKCS1, _SHA256))
        case Ed25519PublicKey():
            return _telling(public.verify)
        case EllipticCurvePublicKey():
            return _telling(
                lambda made, octets: public.verify(
                    der_signature(made), sha256(octets).digest(), _ECDSA
                )
            )


def _telling(verify: Callable[[bytes, bytes], None]) -> _Check:
    def check(signature: bytes, octets: bytes) -> bool:
        try:
            verify(signature, octets)
        except InvalidSignature:
            return False
        return True

    return check


def raw_signature(der: bytes) -> bytes:
    """Give the two numbers of an ECDSA signature, which our own key has made, as section 3.4 does.

    DER has them as integers of 33 octets at most, so that each length is one octet. To make numbers
    of them first, as the library's decoder does, costs a twentieth of a signature.
    """
    end = 4 + der[3]
    r, s = der[4:end][-_P256_OCTETS:], der[end + 2 :][-_P256_OCTETS:]
    return r.rjust(_P256_OCTETS, b"\0") + s.rjust(_P256_OCTETS, b"\0")


def der_signature(raw: bytes) -> bytes:
    """Give the form that the library verifies. Raises InvalidSignature for another length."""
    if len(raw) != 2 * _P256_OCTETS:
        raise InvalidSignature
    r, s = raw[:_P256_OCTETS], raw[_P256_OCTETS:]
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


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
