"""The month's count, as far as it needs no reading."""

from typing import Any

import pytest

from data_plane.store.issued_counts import StoredIssuedCounts

KEY = ("acme", "2026-11")


@pytest.fixture
def counts() -> StoredIssuedCounts:
    never: Any = None  # nothing here reads the database
    return StoredIssuedCounts(never)


def test_what_was_never_told_is_not_at_hand(counts: StoredIssuedCounts) -> None:
    counts.wait(KEY)
    assert counts.at_hand(*KEY) is None


def test_of_two_totals_the_larger_holds(counts: StoredIssuedCounts) -> None:
    counts.learn({KEY: 9})
    counts.learn({KEY: 4})
    assert counts.at_hand(*KEY) == 9


def test_what_waits_counts_once(counts: StoredIssuedCounts) -> None:
    counts.learn({KEY: 10})
    counts.wait(KEY)
    assert counts.at_hand(*KEY) == 11
    counts.settle({KEY: 1})
    counts.learn({KEY: 11})
    assert counts.at_hand(*KEY) == 11
