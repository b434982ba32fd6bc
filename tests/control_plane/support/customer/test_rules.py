"""What is made of counts, and which notes are kept."""

import pytest

from control_plane.support.customer.rules import (
    LONGEST_NOTE,
    NoteRefused,
    health_of,
    read_note,
)


def test_health_is_the_share_of_what_was_refused_the_most_first() -> None:
    found = health_of(
        {
            "issued": 60,
            "limited": 5,
            "refused:too_many_requests": 3,
            "refused:invalid_client": 32,
            "introspected": 900,
        }
    )
    assert (found.issued, found.refused, found.share, found.is_bad) == (60, 40, 40, True)
    assert [(each.error, each.count) for each in found.errors] == [
        ("invalid_client", 32),
        ("too_many_requests", 8),
    ]
    assert all(each.fix for each in found.errors)


@pytest.mark.parametrize(
    ("counts", "bad"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"refused:invalid_scope": 3}, False, id="too few to say"),
        pytest.param({"issued": 81, "limited": 19}, False, id="some"),
        pytest.param({"issued": 80, "limited": 20}, True, id="a fifth"),
    ],
)
def test_a_share_is_bad_from_a_fifth_on(counts: dict[str, int], *, bad: bool) -> None:
    assert health_of(counts).is_bad is bad


def test_a_note_says_something_and_not_too_much() -> None:
    assert read_note("  called\r\nback ") == "called\nback"
    for text in ("", " \n ", "x" * (LONGEST_NOTE + 1)):
        with pytest.raises(NoteRefused):
            read_note(text)
