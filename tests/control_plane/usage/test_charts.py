"""Charts: what is drawn, how high, and that nothing of others' names gets into the drawing."""

from xml.etree import ElementTree as ET

import pytest

from control_plane.usage.charts import Chart, Series, stacked

_SVG = "{http://www.w3.org/2000/svg}"


def chart(*series: Series) -> Chart:
    return Chart(name="tokens", title="Tokens a day", columns=["1st", "2nd"], series=list(series))


def drawn(shown: Chart) -> ET.Element:
    svg = str(shown.svg).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return ET.fromstring(svg)  # noqa: S314 - of our own making


def test_columns_are_stacked_from_the_bottom_to_the_height_of_their_sum() -> None:
    shown = chart(Series("a", [5, 0]), Series("b", [3, 2]))
    assert (shown.total, shown.top) == (10, 10)
    bars = [
        (each.get("class"), each.get("x"), each.get("y"), each.get("height"))
        for each in drawn(shown).iter(f"{_SVG}rect")
    ]
    assert bars == [
        ("series-1", "1", "50.00", "50.00"),
        ("series-2", "1", "20.00", "30.00"),
        ("series-2", "11", "80.00", "20.00"),
    ]
    assert shown.rows() == [("1st", [5, 3]), ("2nd", [0, 2])]


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 1), (1, 1), (3, 5), (5, 5), (6, 10), (11, 20), (99, 100), (1234, 2000), (10**9, 10**9)],
)
def test_the_top_is_a_round_number_not_below_the_highest(highest: int, top: int) -> None:
    assert chart(Series("a", [highest, 0])).top == top


def test_it_is_an_image_that_says_what_it_shows() -> None:
    svg = drawn(chart(Series("a", [1200, 0])))
    assert svg.get("role") == "img"
    told = {each.get("id"): each.text for each in svg if each.get("id")}
    assert told == {"tokens-title": "Tokens a day", "tokens-desc": "a 1,200"}
    assert svg.get("aria-labelledby") == "tokens-title tokens-desc"


def test_a_name_is_text() -> None:
    name = "\"><script>&'"
    svg = drawn(chart(Series(name, [1, 0])))
    assert [each.text for each in svg.iter(f"{_SVG}desc")] == [f"{name} 1"]
    assert [each for each in svg.iter() if "script" in each.tag] == []


def test_what_is_not_counted_is_nothing() -> None:
    series = stacked([("a", {"2nd": 7})], ["1st", "2nd"])
    assert series == [Series("a", [0, 7])]
    assert drawn(chart()).findall(f"{_SVG}rect") == []
