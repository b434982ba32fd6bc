"""Keys of others that may not verify a signature, though the signature is right."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import encode
from jwt.algorithms import RSAAlgorithm

from data_plane.signing import ForeignVerifier
from shared.domain.client_jwk import ClientJwk
from shared.domain.jws import OwnHeader, read_jws


def verified(bits: int, **members: str) -> bool:
    """Sign with a new RSA key, and verify with its JWK that has these members too."""
    private = rsa.generate_private_key(65537, bits)
    token = encode({}, private, "RS256", {"kid": "k", "typ": "JWT"})
    jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    key = msgspec.convert(jwk | members, ClientJwk)
    return ForeignVerifier().verify(read_jws(token, OwnHeader), "RS256", key)


@pytest.mark.parametrize("members", [{}, {"use": "sig"}, {"alg": "RS256"}])
def test_a_key_for_signatures_verifies_one(members: dict[str, str]) -> None:
    assert verified(2048, **members)


@pytest.mark.parametrize("members", [{"use": "enc"}, {"use": ""}, {"alg": "PS256"}])
def test_a_key_for_something_else_verifies_nothing(members: dict[str, str]) -> None:
    assert not verified(2048, **members)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_an_rsa_key_of_1024_bits_verifies_nothing() -> None:
    assert not verified(1024), "D14"
