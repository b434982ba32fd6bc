"""Public keys as people paste them."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from shared.domain.client_jwk import InvalidKeySet
from shared.domain.jwk import public_jwk
from shared.domain.pasted_keys import read_pasted_keys

KEYS: tuple[ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey] = (
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
)


def pem(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | dsa.DSAPublicKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, kind).decode()


def test_a_pem_text_of_several_keys_is_read_whole() -> None:
    text = "\n".join(f"# of {key!r}\r\n{pem(key.public_key())}" for key in KEYS)
    read = read_pasted_keys(text)
    assert [(key.kty, key.crv, key.x, key.kid) for key in read] == [
        (jwk.kty, jwk.crv, jwk.x, None) for jwk in (public_jwk(key) for key in KEYS)
    ]


def test_a_jwk_alone_is_a_set_of_one() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": public_jwk(KEYS[1]).x, "kid": "k"}
    assert read_pasted_keys(json.dumps(jwk)) == read_pasted_keys(json.dumps({"keys": [jwk]}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "a key set is"),
        ("ssh-ed25519 AAAA", "not JSON"),
        ("-----BEGIN PUBLIC KEY-----\nno", "has no key"),
        ("-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----", "no public key"),
        ("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----", "no public key"),
        ("-----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY-----", "private key"),
        (pem(ec.generate_private_key(ec.SECP384R1()).public_key()), "P-256"),
        (pem(dsa.generate_private_key(2048).public_key()), "of kind EC"),
    ],
    ids=["empty", "array", "ssh", "cut off", "no key", "no certificate", "private", "curve", "DSA"],
)
def test_what_is_no_key_that_we_verify_with_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidKeySet, match=says):
        read_pasted_keys(text)


def test_a_weak_rsa_key_is_refused_from_pem_too() -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - that is the point
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    text = key.public_bytes(serialization.Encoding.PEM, kind).decode()
    with pytest.raises(InvalidKeySet, match="2048"):
        read_pasted_keys(text)
