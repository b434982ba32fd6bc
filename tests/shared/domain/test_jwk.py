"""Signing keys as JWKs: the RFCs' own examples, and what other libraries make of ours."""

from base64 import urlsafe_b64decode
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from joserfc import jwk as joserfc_jwk

from shared.domain.jwk import (
    Algorithm,
    Jwk,
    PrivateKey,
    generate_private_key,
    private_key_from_der,
    private_key_to_der,
    public_jwk,
)

_RSA_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
    "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
_RSA_D = (
    "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLW"
    "Y2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPV"
    "Y3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4"
    "qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q"
)
_ED25519_D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
_EC_D = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"

_ALGORITHMS = pytest.mark.parametrize("algorithm", Algorithm)


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_octets(text), "big")


def _rsa_example() -> rsa.RSAPrivateKey:
    """RFC 7517 appendix A.2: the private half of RFC 7638's example."""
    n, d, e = _number(_RSA_N), _number(_RSA_D), 65537
    p, q = sorted(rsa.rsa_recover_prime_factors(n, e, d), reverse=True)
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e=e, n=n),
    ).private_key()


def _members(jwk: Jwk) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(jwk)
    return members


def test_the_kid_is_the_thumbprint_of_rfc_7638_section_3_1() -> None:
    made = public_jwk(_rsa_example())
    assert made.kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert (made.n, made.e) == (_RSA_N, "AQAB")


def test_the_kid_is_the_thumbprint_of_rfc_8037_appendix_a_3() -> None:
    made = public_jwk(ed25519.Ed25519PrivateKey.from_private_bytes(_octets(_ED25519_D)))
    assert made.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert made.x == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_the_coordinates_are_those_of_rfc_7517_appendix_a() -> None:
    made = public_jwk(ec.derive_private_key(_number(_EC_D), ec.SECP256R1()))
    assert made.x == "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
    assert made.y == "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"


@_ALGORITHMS
def test_other_libraries_find_the_same_key_and_thumbprint(algorithm: Algorithm) -> None:
    key = generate_private_key(algorithm)
    made = public_jwk(key)
    other = joserfc_jwk.import_key(_members(made))
    assert other.thumbprint() == made.kid
    signed = jwt.encode({"sub": "a"}, key, algorithm=algorithm, headers={"kid": made.kid})
    assert jwt.decode(signed, jwt.PyJWK(_members(made)), algorithms=[algorithm]) == {"sub": "a"}


@_ALGORITHMS
def test_what_is_published_has_no_private_part(algorithm: Algorithm) -> None:
    members = _members(public_jwk(generate_private_key(algorithm)))
    # RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2
    assert members.keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
    assert (members["use"], members["alg"]) == ("sig", algorithm)


@_ALGORITHMS
def test_a_key_survives_being_stored(algorithm: Algorithm) -> None:
    key = generate_private_key(algorithm)
    assert public_jwk(private_key_from_der(private_key_to_der(key))) == public_jwk(key)


@_ALGORITHMS
def test_no_two_keys_have_the_same_kid(algorithm: Algorithm) -> None:
    first, second = (public_jwk(generate_private_key(algorithm)) for _ in range(2))
    assert first.kid != second.kid


def test_a_coordinate_that_begins_with_zero_keeps_its_32_octets() -> None:
    # RFC 7518 section 6.2.1.2: the full size of a coordinate, whatever its value
    made = public_jwk(_key_with_a_short_coordinate())
    assert isinstance(made.x, str)
    assert len(_octets(made.x)) == 32
    jwt.PyJWK(_members(made))


def _key_with_a_short_coordinate() -> PrivateKey:
    """One key in 256 has an x whose first octet is zero."""
    for secret in range(1, 5000):
        key = ec.derive_private_key(secret, ec.SECP256R1())
        if key.public_key().public_numbers().x < 2**248:
            return key
    raise AssertionError("no such key among the first ones")


def test_a_key_that_cannot_sign_is_refused() -> None:
    der = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(TypeError):
        private_key_from_der(der)
