"""RFC 7517 and 7518: whose public keys are taken, and what is wrong with the others."""

import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.client_jwk import (
    LARGEST_KEY_SET,
    MOST_KEYS,
    ClientJwk,
    InvalidKeySet,
    check_key_set,
    read_key_set,
    read_published_key_set,
)
from shared.domain.jwk import Algorithm, generate_private_key, public_jwk
from tests.shared.domain.keys import base64url, coordinates

EC, RSA, ED = (
    msgspec.to_builtins(public_jwk(generate_private_key(each)))
    for each in (Algorithm.ES256, Algorithm.RS256, Algorithm.EDDSA)
)
N = int.from_bytes(urlsafe_b64decode(RSA["n"] + "=="), "big")
PRIME = 2**255 - 19
MARK = "c4n4ry"


def changed(key: dict[str, Any], **members: object) -> dict[str, Any]:
    """Change members of a key; None takes one away."""
    return {name: each for name, each in (key | members).items() if each is not None}


def octets_of(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def kids(keys: tuple[ClientJwk, ...]) -> list[str | None]:
    return [key.kid for key in keys]


def test_a_set_of_each_kind_is_read() -> None:
    keys = read_key_set(octets_of(EC, RSA, ED))
    assert [msgspec.to_builtins(key) for key in keys] == [EC, RSA, ED]
    assert check_key_set({"keys": [EC, RSA, ED]}) == read_published_key_set(octets_of(EC, RSA, ED))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(changed(RSA, alg="PS256"), id="PS256"),
        pytest.param(changed(EC, kid=None, alg=None, use=None), id="bare"),
        pytest.param(changed(EC, key_ops=["verify"]), id="key_ops"),
        pytest.param(changed(RSA, x5c=["MII"], x5t="abc", iat=1), id="members-that-we-skip"),
        pytest.param(changed(RSA, n=base64url(2**8191 + 1)), id="RSA-8192"),
        pytest.param(changed(RSA, e="Aw"), id="e-3"),
    ],
)
def test_what_is_of_use_is_taken(key: dict[str, Any]) -> None:
    (read,) = read_key_set(octets_of(key))
    assert msgspec.to_builtins(read).items() <= key.items()


def test_members_of_another_kind_are_left_out() -> None:
    (read,) = read_key_set(octets_of(changed(RSA, crv="P-256", x="AA")))
    assert (read.crv, read.x) == (None, None)


_, Y = coordinates(EC)
# of no use to us: refused where it is registered, left out where it is published
UNUSABLE = [
    pytest.param(changed(EC, crv="P-192"), id="D14-P-192"),
    pytest.param(changed(EC, crv="P-384"), id="D14-P-384"),
    pytest.param(changed(EC, crv="secp256k1"), id="D14-secp256k1"),
    pytest.param(changed(EC, crv=None), id="D14-no-curve"),
    pytest.param(changed(EC, crv=["P-256"]), id="D14-curve-list"),
    pytest.param(changed(ED, crv="Ed448"), id="D14-Ed448"),
    pytest.param(changed(ED, crv="X25519"), id="D14-X25519"),
    pytest.param(changed(EC, y=base64url(Y ^ 1)), id="D14-EC-not-on-the-curve"),
    pytest.param(changed(EC, x="A" * 43, y="A" * 43), id="D14-EC-zero"),
    pytest.param(changed(EC, x=EC["x"][:-2]), id="D14-EC-x-short"),
    pytest.param(changed(EC, y="AA" + EC["y"]), id="D14-EC-y-long"),
    pytest.param(changed(EC, y=None), id="D14-EC-no-y"),
    pytest.param(changed(EC, x=7), id="D14-EC-x-number"),
    pytest.param(changed(EC, x=EC["x"] + "="), id="D14-padding"),
    pytest.param(changed(EC, x=EC["x"][:-1] + "é"), id="D14-not-ascii"),
    pytest.param(changed(EC, x=" " + EC["x"][1:]), id="D14-space"),
    pytest.param(changed(ED, x="A" * 42 + "B"), id="D14-stray-bits"),
    pytest.param(changed(ED, x=base64url(2, "little")), id="D14-Ed25519-not-on-the-curve"),
    pytest.param(changed(ED, x=base64url(PRIME + 3, "little")), id="D14-Ed25519-y-too-large"),
    pytest.param(changed(ED, x=base64url(1, "little")), id="D14-Ed25519-order-1"),
    pytest.param(changed(ED, x=base64url(PRIME - 1, "little")), id="D14-Ed25519-order-2"),
    pytest.param(changed(ED, x=base64url(0, "little")), id="D14-Ed25519-order-4"),
    pytest.param(
        changed(ED, x="JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"), id="D14-Ed25519-order-8"
    ),
    pytest.param(
        changed(ED, x="xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"), id="D14-Ed25519-order-8-too"
    ),
    pytest.param(changed(ED, x=ED["x"][:-2]), id="D14-Ed25519-short"),
    pytest.param(changed(RSA, n=base64url(N >> 1 | 1)), id="D14-RSA-2047"),
    pytest.param(changed(RSA, n=base64url(2**1023 + 1)), id="D14-RSA-1024"),
    pytest.param(changed(RSA, n=base64url(2**8192 + 1)), id="D14-RSA-8193"),
    pytest.param(changed(RSA, n=base64url(N + 1)), id="D14-RSA-even-modulus"),
    pytest.param(changed(RSA, n="AA" + RSA["n"]), id="D14-RSA-zero-in-front"),
    pytest.param(changed(RSA, n=""), id="D14-RSA-empty-modulus"),
    pytest.param(changed(RSA, e="AQ"), id="D14-e-1"),
    pytest.param(changed(RSA, e="AA"), id="D14-e-0"),
    pytest.param(changed(RSA, e="AQAA"), id="D14-e-even"),
    pytest.param(changed(RSA, e=base64url(2**64 + 1)), id="D14-e-too-long"),
    pytest.param(changed(RSA, e=None), id="D14-no-e"),
    pytest.param(changed(EC, kty="ec"), id="D14-kty-of-another-case"),
    pytest.param(changed(EC, kty="AKP"), id="D14-kty-unknown"),
    pytest.param(changed(EC, kty=None), id="D14-no-kty"),
    pytest.param(changed(EC, kty=["EC"]), id="D14-kty-list"),
    pytest.param(changed(EC, kty="oct"), id="D14-oct-without-k"),
    pytest.param(changed(EC, use="enc"), id="D14-use-enc"),
    pytest.param(changed(EC, use=["sig"]), id="D14-use-list"),
    pytest.param(changed(EC, key_ops=["encrypt"]), id="D14-key_ops"),
    pytest.param(changed(EC, key_ops="verify"), id="D14-key_ops-text"),
    pytest.param(changed(EC, alg="RS256"), id="D14-alg-of-another-kind"),
    pytest.param(changed(EC, alg="none"), id="D14-alg-none"),
    pytest.param(changed(RSA, alg="HS256"), id="D14-alg-HS256"),
    pytest.param(changed(RSA, alg="RS512"), id="D14-alg-RS512"),
    pytest.param(changed(RSA, alg="RSA-OAEP"), id="D14-alg-RSA-OAEP"),
    pytest.param(changed(RSA, alg={}), id="D14-alg-object"),
    pytest.param(changed(EC, kid=7), id="D14-kid-number"),
    pytest.param(changed(EC, kid=""), id="D14-kid-empty"),
    pytest.param(changed(EC, kid="k" * 257), id="D14-kid-long"),
    pytest.param(changed(EC, kid="a\0b"), id="D14-kid-NUL"),
    pytest.param(changed(EC, kid="\ud800"), id="D14-kid-half-a-surrogate"),
]


@pytest.mark.parametrize("key", UNUSABLE)
def test_an_unusable_key_is_refused_where_it_is_registered(key: dict[str, Any]) -> None:
    with pytest.raises(InvalidKeySet, match=r"^key 2 (must|is)") as refused:
        read_key_set(octets_of(changed(EC, kid="good"), key))
    assert str(refused.value).isascii()


@pytest.mark.parametrize("key", UNUSABLE)
def test_an_unusable_key_is_left_out_where_it_is_published(key: dict[str, Any]) -> None:
    assert kids(read_published_key_set(octets_of(changed(ED, kid="good"), key))) == ["good"]


NO_SET = [
    *(
        pytest.param(octets_of(EC, changed(each, **{name: MARK})), id=f"D14-{each['kty']}-{name}")
        for each in (EC, RSA, ED)
        for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
    ),
    pytest.param(octets_of(EC, {"kty": "oct", "k": MARK}), id="D14-oct"),
    pytest.param(json.dumps({"keys": [EC | {"d": None}]}).encode(), id="D14-d-null"),
    pytest.param(octets_of(EC) + b" " * LARGEST_KEY_SET, id="D14-more-than-64-KiB"),
    pytest.param(
        octets_of(*(changed(EC, kid=f"k{each}") for each in range(MOST_KEYS + 1))), id="D14-21-keys"
    ),
    pytest.param(b"", id="empty"),
    pytest.param(b"<html>", id="HTML"),
    pytest.param(b"\xff\xfe{}", id="not-text"),
    pytest.param(b"[" * 60_000, id="deep"),
    pytest.param(b"[]", id="list"),
    pytest.param(b"{}", id="no-keys"),
    pytest.param(b'{"keys":{}}', id="keys-object"),
    pytest.param(b'{"keys":[7]}', id="key-number"),
    pytest.param(b'{"keys":[NaN]}', id="NaN"),
    pytest.param(b'{"keys":[],"keys":[]}', id="a-member-twice"),
    pytest.param(b'{"keys":[{"kty":"EC","kty":"EC"}]}', id="a-member-of-a-key-twice"),
]


@pytest.mark.parametrize("octets", NO_SET)
def test_a_whole_set_is_refused_wherever_it_is_from(octets: bytes) -> None:
    for read in (read_key_set, read_published_key_set):
        with pytest.raises(InvalidKeySet) as refused:
            read(octets)
        assert MARK not in str(refused.value)


def test_two_equal_kids_are_refused_where_they_are_registered() -> None:
    with pytest.raises(InvalidKeySet, match="same kid"):
        read_key_set(octets_of(changed(EC, kid="k"), changed(ED, kid="k")))


def test_a_registered_set_without_a_key_is_refused() -> None:
    with pytest.raises(InvalidKeySet, match="no key"):
        check_key_set({"keys": []})


def test_a_published_set_may_have_no_key_for_us() -> None:
    assert read_published_key_set(octets_of(changed(EC, use="enc"))) == ()


def test_a_published_set_may_have_many_keys_of_no_use() -> None:
    others = [changed(EC, use="enc")] * 40
    assert kids(read_published_key_set(octets_of(*others, EC))) == [EC["kid"]]


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_anything_is_read_or_refused(value: object) -> None:
    key = {"kty": "EC", "crv": "P-256", "x": value, "y": EC["y"], "kid": value}
    for contents in (value, {"keys": value}, {"keys": [value]}, {"keys": [key]}):
        with suppress(InvalidKeySet):
            check_key_set(contents)
