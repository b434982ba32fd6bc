"""Nonces: good for one to two minutes, for one issuer, by any pepper that is configured."""

import pytest

from data_plane.protocol.dpop_nonce import is_fresh_nonce, make_nonce

ISSUER = "https://id.example/t/acme"
OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
NOW = 1_700_000_040  # a step begins here


@pytest.mark.parametrize("later", [0, 1, 59, 60, 119])
def test_a_nonce_is_fresh_for_its_step_and_the_next(later: int) -> None:
    assert is_fresh_nonce(make_nonce(ISSUER, NEW, now=NOW), ISSUER, NEW, now=NOW + later)


@pytest.mark.parametrize("later", [-1, 120, 3600])
def test_a_nonce_is_stale_before_and_after(later: int) -> None:
    assert not is_fresh_nonce(make_nonce(ISSUER, NEW, now=NOW), ISSUER, NEW, now=NOW + later)


def test_the_first_pepper_makes_it_and_each_takes_it() -> None:
    before = make_nonce(ISSUER, OLD, now=NOW)
    assert make_nonce(ISSUER, NEW | OLD, now=NOW) == make_nonce(ISSUER, NEW, now=NOW)
    assert is_fresh_nonce(before, ISSUER, NEW | OLD, now=NOW)
    assert not is_fresh_nonce(before, ISSUER, NEW, now=NOW)


@pytest.mark.parametrize("nonce", ["", "x", "\xe9", "A" * 24, "A" * 5000])
def test_what_is_not_ours_is_not_fresh(nonce: str) -> None:
    assert not is_fresh_nonce(nonce, ISSUER, NEW, now=NOW)


def test_a_siblings_nonce_is_not_ours() -> None:
    assert not is_fresh_nonce(make_nonce(ISSUER + "2", NEW, now=NOW), ISSUER, NEW, now=NOW)
