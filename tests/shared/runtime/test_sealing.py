"""Private keys at rest: who opens what, and what tampering leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import Kid, TenantId
from shared.runtime.config import Key
from shared.runtime.sealing import CannotOpen, Sealer

_OLD, _NEW, _FOREIGN = (Key(bytes([number]) * 32) for number in (1, 2, 3))
_TENANT, _KID = TenantId("a234567abcdef"), Kid("kid-1")
_PRIVATE = b"the private key"
_SEALED = Sealer((_OLD,)).seal(_PRIVATE, _TENANT, _KID)


def test_what_is_sealed_opens_for_its_tenant_and_kid() -> None:
    assert Sealer((_OLD,)).open(_SEALED, _TENANT, _KID) == _PRIVATE


@pytest.mark.parametrize(
    ("tenant", "kid"),
    [
        pytest.param("b234567abcdef", _KID, id="another-tenant"),
        pytest.param(_TENANT, "kid-2", id="another-kid"),
        pytest.param(_TENANT, "", id="no-kid"),
        pytest.param("a234567abcdef|kid-1", "", id="the-two-shifted"),
    ],
)
def test_a_row_that_was_moved_or_renamed_does_not_open(tenant: str, kid: str) -> None:
    with pytest.raises(CannotOpen):
        Sealer((_OLD,)).open(_SEALED, TenantId(tenant), Kid(kid))


def test_the_old_master_key_still_opens_while_the_first_seals() -> None:
    both = Sealer((_NEW, _OLD))
    assert both.open(_SEALED, _TENANT, _KID) == _PRIVATE
    sealed = both.seal(_PRIVATE, _TENANT, _KID)
    assert Sealer((_NEW,)).open(sealed, _TENANT, _KID) == _PRIVATE
    with pytest.raises(CannotOpen):
        Sealer((_OLD,)).open(sealed, _TENANT, _KID)


def test_a_foreign_master_key_opens_nothing_and_the_refusal_names_the_variable() -> None:
    with pytest.raises(CannotOpen, match="MASTER_KEY"):
        Sealer((_FOREIGN,)).open(_SEALED, _TENANT, _KID)


@given(st.integers(min_value=0, max_value=len(_SEALED) - 1), st.integers(1, 255))
def test_one_changed_octet_anywhere_closes_it(place: int, change: int) -> None:
    tampered = bytearray(_SEALED)
    tampered[place] ^= change
    with pytest.raises(CannotOpen):
        Sealer((_OLD,)).open(bytes(tampered), _TENANT, _KID)


@pytest.mark.parametrize("length", range(len(_SEALED)))
def test_a_row_that_was_cut_short_is_refused_like_any_other(length: int) -> None:
    with pytest.raises(CannotOpen):
        Sealer((_OLD,)).open(_SEALED[:length], _TENANT, _KID)


@given(st.binary(max_size=80))
def test_octets_of_any_kind_are_refused(octets: bytes) -> None:
    with pytest.raises(CannotOpen):
        Sealer((_OLD,)).open(octets, _TENANT, _KID)


@given(st.binary(max_size=2000))
def test_sealing_shows_nothing_of_the_key_and_never_repeats_itself(private: bytes) -> None:
    sealer = Sealer((_OLD,))
    first, second = (sealer.seal(private, _TENANT, _KID) for _ in range(2))
    assert first != second
    assert len(private) < 8 or private not in first
    assert sealer.open(first, _TENANT, _KID) == sealer.open(second, _TENANT, _KID) == private


def test_a_totp_secret_opens_for_its_person_alone_and_is_no_signing_key() -> None:
    sealer = Sealer((_OLD,))
    sealed = sealer.seal_totp(b"the secret", "p_a")
    assert sealer.open_totp(sealed, "p_a") == b"the secret"
    with pytest.raises(CannotOpen):
        sealer.open_totp(sealed, "p_b")
    with pytest.raises(CannotOpen):
        sealer.open(sealed, TenantId("p_a"), Kid(""))
    with pytest.raises(CannotOpen):
        sealer.open_totp(_SEALED, f"{_TENANT}|{_KID}")
