"""Signatures of requests: another's library makes them, ours is asked whether they count."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, HTTPSignatureAlgorithm, MappingKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519

from data_plane.protocol.request_signature import COVERED, PresentedRequest
from data_plane.signed_requests import OperatorSignatures
from shared.domain.operator_key import read_operator_keys
from tests.management import FORM, KEYS, SignedRequest, jwks_of

_URL, _BODY = "https://id.example/t/acme/admin/revoke", b"everything=true"
_VERIFIER = OperatorSignatures(read_operator_keys(jwks_of(KEYS)))


def presented(headers: list[tuple[str, str]]) -> PresentedRequest:
    return PresentedRequest(method="POST", target_uri=_URL, headers=tuple(headers), body=_BODY)


@pytest.mark.parametrize(
    ("kid", "algorithm"), [("operator-ec", ECDSA_P256_SHA256), ("operator-ed", ED25519)]
)
def test_what_the_librarys_signer_makes_is_verified(
    kid: str, algorithm: type[HTTPSignatureAlgorithm]
) -> None:
    request = httpx.Request("POST", _URL, content=_BODY, headers={"Content-Type": FORM})
    created = datetime.now(UTC) - timedelta(days=400)  # how old it is, others decide
    HTTPMessageSigner(
        signature_algorithm=algorithm,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys=KEYS),
    ).sign(
        request,
        key_id=kid,
        created=created,
        nonce="n",
        covered_component_ids=COVERED,
        body=_BODY,
    )
    found = _VERIFIER.verify(presented(request.headers.multi_items()))
    assert found is not None
    assert (found.keyid, found.nonce, found.expires) == (kid, "n", None)
    assert found.created == int(created.timestamp())


def test_a_digest_that_stands_twice_is_none() -> None:
    headers = list(SignedRequest(url=_URL, body=_BODY).headers().items())
    assert _VERIFIER.verify(presented(headers)) is not None
    twice = [*headers, ("Content-Digest", dict(headers)["Content-Digest"])]
    assert _VERIFIER.verify(presented(twice)) is None


def test_without_keys_none_counts() -> None:
    headers = list(SignedRequest(url=_URL, body=_BODY).headers().items())
    assert OperatorSignatures(()).verify(presented(headers)) is None
