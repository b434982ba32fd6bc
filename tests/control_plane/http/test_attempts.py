"""Attempts are counted by network and by person, for a minute, in bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.http import attempts as module
from control_plane.http.attempts import Attempts, TooManyAttempts

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_MOST = 10


def test_the_eleventh_at_one_person_is_refused_from_wherever_for_a_minute() -> None:
    attempts = Attempts()
    for number in range(_MOST):
        attempts.count(_NOW, f"192.0.2.{number}", "ada")
    with pytest.raises(TooManyAttempts) as refusal:
        attempts.count(_NOW + timedelta(seconds=30), "192.0.2.99", "ada")
    assert refusal.value.seconds == 31
    attempts.count(_NOW + timedelta(seconds=30), "192.0.2.99", "bob")
    attempts.count(_NOW + timedelta(seconds=60), "192.0.2.99", "ada")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::{}"])
def test_the_eleventh_from_one_network_is_refused_and_not_counted_at_the_person(
    address: str,
) -> None:
    attempts = Attempts()
    for number in range(_MOST):
        attempts.count(_NOW, address.format(number), f"person {number}")
    for _ in range(2 * _MOST):
        with pytest.raises(TooManyAttempts):
            attempts.count(_NOW, address.format(99), "ada")
    attempts.count(_NOW, "198.51.100.1", "ada")


def test_letters_to_one_person_are_counted_apart() -> None:
    attempts = Attempts()
    for _ in range(_MOST):
        attempts.count_letter(_NOW, "ada")
    with pytest.raises(TooManyAttempts):
        attempts.count_letter(_NOW, "ada")
    attempts.count(_NOW, "192.0.2.1", "ada")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAXIMUM_KEPT", 50)
    attempts = Attempts()
    for number in range(200):
        attempts.count(_NOW, f"10.0.{number}.1", f"person {number}")
    assert len(attempts) == 100
