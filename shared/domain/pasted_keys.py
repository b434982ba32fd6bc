"""Public keys as people paste them: PEM, one JWK, or a key set."""

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.domain.client_jwk import ClientJwk, InvalidKeySet, check_key_set, read_key_json
from shared.domain.jwk import PublicKey, public_members

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


def read_pasted_keys(text: str) -> tuple[ClientJwk, ...]:
    """Read every key of the text. Raises InvalidKeySet, also where one is private."""
    if "-----BEGIN" in text:
        return check_key_set({"keys": [_of_pem(block) for block in _BLOCK.finditer(text)]})
    contents = read_key_json(text.strip().encode())
    alone = isinstance(contents, dict) and "kty" in contents
    return check_key_set({"keys": [contents]} if alone else contents)


def _of_pem(block: re.Match[str]) -> dict[str, str]:
    if "PRIVATE" in block[1]:
        raise InvalidKeySet("this is a private key: give the public key only, and make a new pair")
    try:
        key = _load(block)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKeySet("the PEM text is no public key and no certificate") from None
    if not isinstance(key, PublicKey):
        raise InvalidKeySet("a key must be of kind EC, RSA or Ed25519")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKeySet("an EC key must be on the curve P-256")
    return public_members(key)


def _load(block: re.Match[str]) -> object:
    octets = block[0].encode()
    if block[1] == "CERTIFICATE":  # only its key is taken: nobody asks who signed it
        return x509.load_pem_x509_certificate(octets).public_key()
    return load_pem_public_key(octets)
