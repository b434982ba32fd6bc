"""Verifying HTTP message signatures, RFC 9421. The only module that imports a library for them."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
    VerifyResult,
)
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519

from data_plane.protocol.request_signature import COVERED, PresentedRequest, RequestSignature
from shared.domain.operator_key import OperatorKey, PublicKey

# the key decides the algorithm, whatever `alg` says: each is offered keys of its kind only
_ALGORITHMS: Mapping[type[HTTPSignatureAlgorithm], type[PublicKey]] = {
    ECDSA_P256_SHA256: ec.EllipticCurvePublicKey,
    ED25519: ed25519.Ed25519PublicKey,
}
_ANY_TIME = timedelta(days=36_500)


class _Headers(msgspec.Struct, frozen=True):
    """The lines of the header, of which several may have one name."""

    lines: tuple[tuple[str, str], ...]

    def items(self) -> tuple[tuple[str, str], ...]:
        return self.lines


class _Message(msgspec.Struct, frozen=True):
    """A request as the library asks for it."""

    method: str
    url: str
    headers: _Headers


class OperatorSignatures:
    def __init__(self, keys: tuple[OperatorKey, ...]) -> None:
        self._verifiers = [
            _verifier(
                algorithm, {each.kid: each.key for each in keys if isinstance(each.key, kind)}
            )
            for algorithm, kind in _ALGORITHMS.items()
        ]

    def verify(self, request: PresentedRequest) -> RequestSignature | None:
        """Verify the request's one signature and the digest of its body; the clock is not asked."""
        message = _Message(request.method, request.target_uri, _Headers(request.headers))
        for verifier in self._verifiers:
            try:
                (result,) = verifier.verify(message, max_age=None, require_components=COVERED)
            except HTTPMessageSignaturesException:
                continue
            return _signature(result, request.body)
        return None


def _verifier(
    algorithm: type[HTTPSignatureAlgorithm], keys: Mapping[str, PublicKey]
) -> HTTPMessageVerifier:
    resolver = MappingKeyResolver(public_keys=keys, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver)
    verifier.max_clock_skew = _ANY_TIME  # how fresh it must be, the protocol decides
    return verifier


def _signature(result: VerifyResult, body: bytes) -> RequestSignature | None:
    # one spelling of RFC 9530: another algorithm beside it, or instead, is not looked at
    if result.covered_components['"content-digest"'] != ContentDigest.create(body):
        return None
    return msgspec.convert(result.parameters, RequestSignature)
