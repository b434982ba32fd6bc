"""Which secrets a client may hold together, and when it is between two of them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from control_plane.secrets.rules import (
    KeptSecret,
    LastSecret,
    SecretRefused,
    check_expiry,
    check_method,
    check_no_rotation,
    check_overlap,
    check_revocable,
    check_room,
    choose_name,
    ended_by_cancelling,
    ended_by_finishing,
)
from shared.domain.client import AuthMethod

_TODAY = date(2026, 11, 24)


def kept(name: str, replaced_by: str | None = None) -> KeptSecret:
    return KeptSecret(
        name=name,
        last_four="abcd",
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        created_by="operator",
        expires_at=None,
        replaced_by=replaced_by,
        used_at=None,
        used_from=None,
    )


_A, _B, _NEW = kept("a", "new"), kept("b", "new"), kept("new")


@pytest.mark.parametrize("seconds", [0, 1, 86400, 604800])
def test_secrets_may_overlap_for_up_to_a_week(seconds: int) -> None:
    check_overlap(seconds)


@pytest.mark.parametrize("seconds", [-1, 604801, 2**63])
def test_a_longer_or_negative_overlap_is_refused(seconds: int) -> None:
    with pytest.raises(SecretRefused, match="overlap"):
        check_overlap(seconds)


@pytest.mark.parametrize("seconds", [None, 1, 63072000])
def test_a_secret_may_last_two_years_or_for_good(seconds: int | None) -> None:
    check_expiry(seconds)


@pytest.mark.parametrize("seconds", [0, -1, 63072001, 2**63])
def test_a_secret_that_never_lived_or_lasts_longer_is_refused(seconds: int) -> None:
    with pytest.raises(SecretRefused, match="expires"):
        check_expiry(seconds)


@pytest.mark.parametrize("method", [AuthMethod.PRIVATE_KEY_JWT, AuthMethod.WORKLOAD_IDENTITY])
def test_only_a_client_that_proves_itself_by_a_secret_has_some(method: AuthMethod) -> None:
    check_method(AuthMethod.CLIENT_SECRET)
    with pytest.raises(SecretRefused, match=method):
        check_method(method)


def test_five_secrets_are_live_at_most() -> None:
    check_room([kept(name) for name in "abcd"])
    with pytest.raises(SecretRefused, match="at most 5"):
        check_room([kept(name) for name in "abcde"])


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param((), "2026-11-24", id="none"),
        pytest.param(("first",), "2026-11-24", id="another"),
        pytest.param(("2026-11-24",), "2026-11-24-2", id="taken"),
        pytest.param(("2026-11-24", "2026-11-24-2"), "2026-11-24-3", id="taken-twice"),
        pytest.param(("2026-11-24-2",), "2026-11-24", id="the-second-only"),
    ],
)
def test_a_secret_without_a_name_has_the_days(held: tuple[str, ...], expected: str) -> None:
    assert choose_name([kept(name) for name in held], "", _TODAY) == expected


@pytest.mark.parametrize("name", ["\t", "a\nb", "\x1b[2J", "n" * 101, "first"])
def test_a_name_that_is_none_or_is_taken_is_refused(name: str) -> None:
    with pytest.raises(SecretRefused, match="name"):
        choose_name([kept("first")], name, _TODAY)


def test_the_name_of_a_rotations_new_secret_stays_taken_when_it_is_gone() -> None:
    with pytest.raises(SecretRefused, match="name"):
        choose_name([_A], "new", _TODAY)
    assert choose_name([kept("a", "2026-11-24")], "", _TODAY) == "2026-11-24-2"


def test_the_last_secret_goes_only_when_the_caller_says_so() -> None:
    check_revocable([_A, _NEW], "a", even_last=False)
    check_revocable([_NEW], "new", even_last=True)
    with pytest.raises(LastSecret):
        check_revocable([_NEW], "new", even_last=False)


def test_a_rotation_is_open_while_a_replaced_secret_lives() -> None:
    check_no_rotation([_NEW])
    with pytest.raises(SecretRefused, match="open"):
        check_no_rotation([_A, _NEW])


def test_finishing_ends_the_replaced_and_cancelling_the_new() -> None:
    held = [_A, _B, _NEW, kept("added meanwhile")]
    assert ended_by_finishing(held) == ["a", "b"]
    assert ended_by_cancelling(held) == ["new"]


def test_where_the_new_secret_is_gone_finishing_is_refused_and_cancelling_is_not() -> None:
    with pytest.raises(SecretRefused, match="cancel"):
        ended_by_finishing([_A, _B])
    assert ended_by_cancelling([_A, _B]) == []


@pytest.mark.parametrize("end", [ended_by_finishing, ended_by_cancelling])
def test_without_a_rotation_there_is_nothing_to_end(end: Any) -> None:
    with pytest.raises(SecretRefused, match="no rotation"):
        end([_NEW])
