"""Passwords as they rest: with the parameters of the RFC, which other tests do without."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from control_plane.people.passwords import Passwords, _nobodys


async def test_9106_4_a_digest_is_argon2id_with_the_second_recommendation() -> None:
    digest = await Passwords().digest("correct horse battery")
    assert digest.startswith("$argon2id$")
    assert extract_parameters(digest) == RFC_9106_LOW_MEMORY


@pytest.mark.parametrize(
    ("presented", "right"), [("correct horse battery", True), ("correct horse", False), ("", False)]
)
async def test_only_the_password_itself_is_right(presented: str, right: bool) -> None:  # noqa: FBT001 - a case
    passwords = Passwords()
    held = await passwords.digest("correct horse battery")
    assert await passwords.is_right(held, presented) is right


def test_to_compare_with_nobodys_takes_as_long_and_finds_none() -> None:
    assert extract_parameters(_nobodys()) == RFC_9106_LOW_MEMORY
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(_nobodys(), "")


@pytest.mark.parametrize("held", [None, "", "no digest"])
async def test_of_who_has_no_password_none_is_right(held: str | None) -> None:
    assert await Passwords().is_right(held, "") is False
