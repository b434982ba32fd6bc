"""The month's count while two commits are under way, connections change and others write."""

from typing import Any

import pytest

from data_plane.store.issued_counts import StoredIssuedCounts
from data_plane.store.recorder import Own

KEY = ("acme", "2026-11")
A, B, C = 1, 2, 3  # writers of this worker


@pytest.fixture
def counts() -> StoredIssuedCounts:
    never: Any = None  # nothing here reads the database
    return StoredIssuedCounts(never)


def own(issued: int, others: int) -> list[Own]:
    return [Own(*KEY, issued, others)]


def test_two_commits_that_do_not_see_each_other_both_count(counts: StoredIssuedCounts) -> None:
    counts.learn({KEY: 100})
    counts.learn_own(own(5, 100), A, {A, B})
    counts.learn_own(own(7, 100), B, {A, B})
    assert counts.at_hand(*KEY) == 112
    counts.learn_own(own(6, 130), A, {A, B})
    assert counts.at_hand(*KEY) == 143


def test_of_two_answers_to_one_writer_the_larger_holds(counts: StoredIssuedCounts) -> None:
    counts.learn_own(own(9, 0), A, {A, B})
    counts.learn_own(own(4, 0), A, {A, B})
    assert counts.at_hand(*KEY) == 9


def test_a_connection_that_is_gone_counts_among_the_others(counts: StoredIssuedCounts) -> None:
    counts.learn_own(own(5, 100), A, {A, B})
    counts.learn_own(own(1, 105), C, {C, B})
    assert counts.at_hand(*KEY) == 106


def test_a_total_corrects_what_is_known_and_is_corrected(counts: StoredIssuedCounts) -> None:
    counts.learn_own(own(5, 100), A, {A, B})
    counts.learn({KEY: 90})
    assert counts.at_hand(*KEY) == 105
    counts.learn({KEY: 120})  # of a replay, which saw a commit of B's before it was told here
    assert counts.at_hand(*KEY) == 120
    counts.learn_own(own(15, 100), B, {A, B})
    assert counts.at_hand(*KEY) == 120


def test_what_waits_counts_once(counts: StoredIssuedCounts) -> None:
    counts.learn({KEY: 10})
    counts.wait(KEY)
    assert counts.at_hand(*KEY) == 11
    counts.settle({KEY: 1})
    counts.learn_own(own(1, 10), A, {A})
    assert counts.at_hand(*KEY) == 11
