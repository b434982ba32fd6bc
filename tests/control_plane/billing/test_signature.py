"""Stripe's signature, made by Stripe's own SDK (hostile-inputs.md J1, J3, J4)."""

import pytest
from stripe import WebhookSignature

from control_plane.billing.signature import is_signed

_NOW = 1_800_000_000
_SECRET, _OTHER = "whsec_one", "whsec_other"
_BODY = b'{"id":"evt_1"}'


def header(at: int = _NOW, secret: str = _SECRET, body: bytes = _BODY) -> str:
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, at))


def test_what_stripe_signs_is_signed_by_either_secret_while_rolling() -> None:
    assert is_signed(header(), _BODY, (_SECRET,), _NOW)
    assert is_signed(header(secret=_OTHER), _BODY, (_SECRET, _OTHER), _NOW)
    assert is_signed(header(), _BODY, (_OTHER, _SECRET), _NOW)
    assert not is_signed(header(secret=_OTHER), _BODY, (_SECRET,), _NOW)


@pytest.mark.parametrize("ahead", [-301, 301, 3600, -(10**12)])
def test_neither_an_old_time_nor_one_to_come_is_taken(ahead: int) -> None:
    assert not is_signed(header(_NOW + ahead), _BODY, (_SECRET,), _NOW)


@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(ahead: int) -> None:
    assert is_signed(header(_NOW + ahead), _BODY, (_SECRET,), _NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "t=",
        f"t={_NOW}",
        f"t={_NOW},v1=",
        header().replace("v1=", "v0="),
        header() + f",t={_NOW}",
        header().replace("t=", "t=+"),
        header().replace(str(_NOW), "\u0661\u0668"),
        "t=1,v1=\u00e9",
        "," * 10_000,
    ],
    ids=["none", "no time", "no signature", "empty", "v0", "2 times", "signed", "digits", "é", ","],
)
def test_what_is_not_a_signature_of_now_is_none(text: str) -> None:
    assert not is_signed(text, _BODY, (_SECRET,), _NOW)


def test_one_octet_changed_is_not_signed() -> None:
    assert not is_signed(header(), _BODY.replace(b"1", b"2"), (_SECRET,), _NOW)


def test_without_a_secret_nothing_is_signed() -> None:
    assert not is_signed(header(secret=""), _BODY, (), _NOW)
