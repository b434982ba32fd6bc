"""ECDSA's two numbers, from the form that the library signs in to that of a JWS, and back."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given
from hypothesis import strategies as st

from data_plane.signing import der_signature, raw_signature

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
NUMBERS = st.integers(1, 255).flatmap(lambda bits: st.integers(1, 2**bits)) | st.integers(
    1, _ORDER - 1
)


@given(NUMBERS, NUMBERS)
def test_both_numbers_have_32_octets_whatever_their_size(r: int, s: int) -> None:
    raw = raw_signature(encode_dss_signature(r, s))
    assert raw == r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert der_signature(raw) == encode_dss_signature(r, s)


@pytest.mark.parametrize("number", [1, 127, 128, 2**248 - 1, 2**255 - 1, 2**255, _ORDER - 1])
def test_where_the_sign_bit_and_the_length_change(number: int) -> None:
    der = encode_dss_signature(number, number)
    assert decode_dss_signature(der) == (number, number)
    assert raw_signature(der) == number.to_bytes(32, "big") * 2


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_another_length_is_no_signature(length: int) -> None:
    with pytest.raises(InvalidSignature):
        der_signature(bytes(length))
