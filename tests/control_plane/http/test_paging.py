"""What the address of a list says."""

import pytest

from control_plane.http.paging import Listed, page_number, query, search_text


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 1), ("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("\u0661", 1), ("9" * 40, 1), ("1e3", 1)],
)
def test_what_is_no_number_of_a_page_means_the_first(text: str, number: int) -> None:
    assert page_number(text) == number


def test_a_page_knows_its_place() -> None:
    listed = Listed(rows=["a", "b", "c"], total=23, number=2)
    assert (listed.first, listed.last, listed.pages) == (21, 23, 2)
    assert Listed[str](rows=[], total=0, number=1).pages == 1


def test_a_query_says_only_what_there_is_to_say_and_escapes_it() -> None:
    assert query(q="", page=2) == "?page=2"
    assert query(q="a&b=<c>") == "?q=a%26b%3D%3Cc%3E"
    assert query() == ""
    assert search_text("  xy  " + "z" * 200) == "xy  " + "z" * 96
