"""Percentiles of counts by steps: exact at a step's end, spread evenly within it."""

import pytest

from shared.domain.latency import ENDS, EVENTS, STEPS_MS, percentile


def test_nothing_counted_has_none() -> None:
    assert percentile({}, 50) is None
    assert percentile({"latency:5": 0, "issued": 3}, 99) is None


@pytest.mark.parametrize(
    ("counted", "percent", "expected"),
    [
        ({"latency:5": 10}, 50, 4.0),  # half-way from 3 to 5
        ({"latency:1": 100}, 99, 0.99),
        ({"latency:1": 99, "latency:1000": 1}, 99, 1.0),
        ({"latency:1": 98, "latency:1000": 2}, 99, 750.0),
        ({"latency:8": 50, "latency:12": 50}, 95, 11.6),
        ({"latency:10000": 1}, 99, 9910.0),
    ],
)
def test_it_is_where_so_many_were_answered(
    counted: dict[str, int], percent: int, expected: float
) -> None:
    assert percentile(counted, percent) == pytest.approx(expected)


def test_steps_rise_and_each_has_its_event() -> None:
    assert list(STEPS_MS) == sorted(set(STEPS_MS))
    assert len(EVENTS) == len(STEPS_MS) == len(ENDS) + 1
