"""Codes of an app hold to RFC 6238, and recovery codes are long, different and kept as digests."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.second_factors.rules import (
    code_at,
    digest_of_code,
    digests_of_code,
    new_recovery_codes,
    new_secret,
    step_of,
    uri_of,
)

_VECTOR = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert code_at(_VECTOR, seconds // 30) == code
    assert step_of(_VECTOR, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(
    ("late", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_a_step_off_and_no_more(late: int, *, taken: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    step = int(now.timestamp()) // 30
    found = step_of(_VECTOR, code_at(_VECTOR, step), now + timedelta(seconds=late))
    assert found == (step if taken else None)


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708\uff12", "é", "x" * 5000])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert step_of(_VECTOR, code, datetime.fromtimestamp(59, UTC)) is None


def test_an_app_is_told_whose_secret_it_is() -> None:
    assert uri_of(_VECTOR, "a&b@example.org").startswith(
        "otpauth://totp/auth-service:a%26b%40example.org?secret="
    )


def test_recovery_codes_are_ten_different_ones_of_79_bits() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    assert len(new_secret()) == 32


def test_a_recovery_code_is_read_as_people_type_it_under_each_pepper() -> None:
    kept = digest_of_code("abcd-efgh-jkmn-pqrs", b"old")
    assert kept in digests_of_code(" ABCD EFGH jkmnpqrs", [b"new", b"old"])
    assert kept not in digests_of_code("abcd-efgh-jkmn-pqrt", [b"new", b"old"])
