"""Identifiers: UUIDv7 as RFC 9562 lays it out, and names made of a tenant's id."""

import re
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import role_of, schema_of, tenant_id, uuid7, uuid7_milliseconds

_TIMES = st.integers(min_value=0, max_value=2**48 - 1)
_RANDOM = st.integers(min_value=0, max_value=2**74 - 1)
_LONGEST_NAME = 63  # bytes, PostgreSQL's


def test_the_example_of_rfc_9562_appendix_a6_is_reproduced() -> None:
    random = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    assert uuid7(0x017F22E279B0, random) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(_TIMES, _RANDOM)
def test_version_variant_and_time_stand_where_rfc_9562_puts_them(now: int, random: int) -> None:
    made = uuid7(now, random)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert uuid7_milliseconds(made) == now


@given(_TIMES, _RANDOM, _RANDOM)
def test_every_random_bit_tells_two_ids_of_one_millisecond_apart(
    now: int, first: int, second: int
) -> None:
    assert (uuid7(now, first) == uuid7(now, second)) == (first == second)


@given(_TIMES, _TIMES, _RANDOM, _RANDOM)
def test_a_later_id_sorts_behind_an_earlier_one(
    first: int, second: int, random: int, another: int
) -> None:
    early, late = sorted((first, second))
    if early < late:  # the ledger's partitions stand on this, as numbers and as text
        assert uuid7(early, random) < uuid7(late, another)
        assert str(uuid7(early, random)) < str(uuid7(late, another))


@given(_TIMES, st.integers(min_value=0))
def test_bits_beyond_the_74_random_ones_change_nothing_else(now: int, random: int) -> None:
    assert uuid7(now, random) == uuid7(now, random % 2**74)


@given(st.binary(min_size=8, max_size=8))
def test_a_tenant_id_needs_no_quotes_in_the_names_made_of_it(random: bytes) -> None:
    made = tenant_id(random)
    assert re.fullmatch("[a-z2-7]{13}", made)
    for name in (schema_of(made), role_of(made)):
        assert re.fullmatch("[a-z_][a-z0-9_]*", name)
        assert len(name) <= _LONGEST_NAME


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_two_tenants_never_share_a_schema_or_a_role(first: bytes, second: bytes) -> None:
    one, other = tenant_id(first), tenant_id(second)
    assert (schema_of(one) == schema_of(other)) == (first == second)
    assert (role_of(one) == role_of(other)) == (first == second)
