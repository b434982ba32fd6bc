"""Client ids and secrets: their form, their checksum and what rests of them."""

import hmac
import re
from zlib import crc32

from shared.runtime.config import Key
from shared.runtime.secrets import PREFIX, checksum, make_client_id, make_client_secret

_FIRST, _SECOND = Key(b"a" * 32), Key(b"b" * 32)
_MANY = 200


def test_a_secret_is_prefix_43_characters_and_checksum() -> None:
    for _ in range(_MANY):
        text = make_client_secret((_FIRST,)).text
        assert re.fullmatch(r"as_cs_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", text)
        assert text.endswith(checksum(text[:-6]))


def test_the_checksum_is_the_crc_32_in_base_62() -> None:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    read = 0
    for digit in checksum(PREFIX):  # a secret scanner recomputes it so
        read = read * 62 + digits.index(digit)
    assert read == crc32(PREFIX.encode())


def test_a_mistyped_secret_fails_its_checksum() -> None:
    text = make_client_secret((_FIRST,)).text
    body, end = text[:-6], text[-6:]
    for place in range(len(PREFIX), len(body)):
        other = "a" if body[place] != "a" else "b"
        assert checksum(body[:place] + other + body[place + 1 :]) != end


def test_what_rests_is_an_hmac_under_the_first_pepper() -> None:
    made = make_client_secret((_FIRST, _SECOND))
    assert made.held.digest == hmac.digest(b"a" * 32, made.text.encode(), "sha256")
    assert made.held.pepper_id == _FIRST.key_id
    assert made.held.expires_at is None


def test_the_last_four_characters_are_kept_for_people() -> None:
    made = make_client_secret((_FIRST,))
    assert made.last_four == made.text[-4:]


def test_a_new_secret_does_not_print_itself() -> None:
    made = make_client_secret((_FIRST,))
    assert made.text not in f"{made} {made!r}"


def test_no_two_secrets_and_no_two_client_ids_are_alike() -> None:
    assert len({make_client_secret((_FIRST,)).text for _ in range(_MANY)}) == _MANY
    ids = {make_client_id() for _ in range(_MANY)}
    assert len(ids) == _MANY
    assert all(re.fullmatch(r"c_[0-9A-Za-z]{16}", each) for each in ids)


def test_the_id_of_a_key_says_nothing_of_the_key() -> None:
    assert re.fullmatch("[0-9a-f]{8}", _FIRST.key_id)
    assert _FIRST.key_id != _SECOND.key_id
    assert "a" * 32 not in repr(_FIRST)
    assert _FIRST.octets.hex() not in repr(_FIRST)
