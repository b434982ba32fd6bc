"""Months of usage: days, who asks for too much, and when which day is rolled up."""

from datetime import UTC, date, datetime, timedelta

import pytest

from control_plane.usage.forms import month_of
from control_plane.usage.months import (
    EagerClient,
    MonthUsage,
    Span,
    Total,
    days_of,
    days_to_roll,
    last_week,
    month_span,
    neighbours,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2026-10", "2026-10"),
        ("2026-11", "2026-11"),
        ("", "2026-11"),
        ("2026-12", "2026-11"),
        ("9999-12", "2026-11"),
        ("0001-01", "2026-11"),
        ("2026-1<", "2026-11"),
        ("2025-13", "2026-11"),
    ],
)
def test_the_month_shown_is_one_that_has_begun(asked: str, shown: str) -> None:
    assert month_of(asked, NOW) == shown


def test_a_month_has_its_days_and_neighbours() -> None:
    days = days_of(month_span("2028-02"))
    assert (days[0], days[-1], len(days)) == ("2028-02-01", "2028-02-29", 29)
    assert neighbours("2026-01") == ("2025-12", "2026-02")


def test_the_last_week_ends_today_or_with_the_month() -> None:
    assert last_week(month_span("2026-11"), TODAY) == Span(TODAY - 6 * DAY, TODAY + DAY)
    assert last_week(month_span("2026-10"), TODAY) == Span(date(2026, 10, 25), date(2026, 11, 1))
    first = date(2026, 11, 1)
    assert last_week(month_span("2026-11"), first) == Span(first, first + DAY)


def test_today_is_rolled_up_again_and_once_a_day_all_of_a_month() -> None:
    assert days_to_roll(NOW, TODAY) == [TODAY - DAY, TODAY]
    assert days_to_roll(NOW - DAY, TODAY) == [TODAY - n * DAY for n in range(31, -1, -1)]
    assert days_to_roll(NOW - 90 * DAY, TODAY) == [TODAY - n * DAY for n in range(90, -1, -1)]
    assert days_to_roll(NOW + 9 * DAY, TODAY) == [TODAY - DAY, TODAY]  # of a clock that was ahead


def test_for_a_token_an_hour_24_a_day_are_enough() -> None:
    assert EagerClient(client_id="c", name="C", api="a", tokens=100, lifetime=3600).enough == 24
    assert EagerClient(client_id="c", name="C", api="a", tokens=100, lifetime=86_400).enough == 1


def test_what_is_of_no_series_of_its_own_is_of_the_others() -> None:
    usage = MonthUsage(
        days=["1", "2"],
        counts=[
            Total(("1", "", "issued"), 10),
            Total(("2", "", "issued"), 4),
            Total(("1", "", "refused:invalid_scope"), 2),
            Total(("2", "", "refused:invalid_scope"), 1),
            Total(("2", "", "refused:invalid_client"), 9),
            Total(("1", "", "limited"), 5),
        ],
        clients=[],
        of_clients=[Total(("c_1", "1"), 6), Total(("c_2", "2"), 4), Total(("c_2", "1"), 3)],
        names={"c_1": "one"},
    )
    assert usage.tokens_of_clients() == [
        ("c_2", {"2": 4, "1": 3}),
        ("one", {"1": 6}),
        ("others", {"1": 1, "2": 0}),
    ]
    assert usage.tokens_for_apis() == [("none that is known", {"1": 10, "2": 4})]
    assert usage.counted("issued", prefix="refused:") == {"1": 12, "2": 14}
    assert usage.refused_as() == [
        ("invalid_client", 9),
        ("too_many_requests", 5),
        ("invalid_scope", 3),
    ]


def test_of_many_apis_those_with_the_most_tokens_are_drawn() -> None:
    counts = [Total(("1", f"api {n}", "issued"), n) for n in range(9, 0, -1)]
    usage = MonthUsage(days=["1"], counts=counts, clients=[], of_clients=[], names={})
    drawn = usage.tokens_for_apis()
    assert [name for name, _ in drawn] == ["api 9", "api 8", "api 7", "api 6", "api 5", "others"]
    assert drawn[-1][1] == {"1": 4 + 3 + 2 + 1}
