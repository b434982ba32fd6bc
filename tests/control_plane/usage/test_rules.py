"""Months, ids and windows of time: what the ledger is asked by."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from control_plane.usage.months import InvalidMonth, oldest_day, oldest_month, read_month
from control_plane.usage.rules import (
    FIRST_ID,
    LAST_ID,
    ActiveHour,
    InvalidTokenId,
    LogEntry,
    Window,
    first_id,
    newest,
    read_token_id,
    spans_between,
    time_of,
    windows,
)
from shared.domain.ids import uuid7

EVER = Window(FIRST_ID, LAST_ID)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(minute: int, hour: datetime = NOON) -> datetime:
    return hour + timedelta(minutes=minute)


def test_a_month_ends_where_the_next_begins() -> None:
    assert read_month("2026-11") == (
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert read_month("2026-12")[1] == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "26-11", "2026-11-01", "٢٠٢٦-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidMonth):
        read_month(text)


def test_what_is_no_uuid_is_no_token_id() -> None:
    assert read_token_id(str(LAST_ID)) == LAST_ID
    with pytest.raises(InvalidTokenId):
        read_token_id("a-jti")


def test_an_id_has_its_time_and_the_first_of_a_time_is_before_all_others() -> None:
    made = uuid7(int(NOON.timestamp() * 1000), 2**74 - 1)
    assert time_of(made) == NOON
    assert first_id(NOON) < made < first_id(NOON + timedelta(milliseconds=1))
    assert time_of(LAST_ID) > NOON


def test_the_windows_are_the_minutes_in_which_something_was_issued_the_latest_first() -> None:
    hours = [ActiveHour(NOON, 1 << 59 | 1), ActiveHour(NOON - timedelta(hours=1), 1 << 7)]
    assert [(each.low, each.high) for each in windows(hours, EVER)] == [
        (first_id(at(59)), first_id(at(60))),
        (first_id(at(0)), first_id(at(1))),
        (first_id(at(-53)), first_id(at(-52))),
    ]


def test_windows_end_before_the_cursor() -> None:
    before = uuid7(int(at(5).timestamp() * 1000) + 1, 7)
    hours = [ActiveHour(NOON, 1 << 4 | 1 << 5 | 1 << 6)]
    assert [(each.low, each.high) for each in windows(hours, Window(FIRST_ID, before))] == [
        (first_id(at(5)), before),
        (first_id(at(4)), first_id(at(5))),
    ]
    assert list(windows([ActiveHour(NOON, 1 << 5)], Window(FIRST_ID, first_id(at(5))))) == []


def test_windows_begin_with_the_first_id_asked_for() -> None:
    since = uuid7(int(at(5).timestamp() * 1000) + 1, 7)
    hours = [ActiveHour(NOON, 1 << 4 | 1 << 5 | 1 << 6)]
    assert [(each.low, each.high) for each in windows(hours, Window(since, LAST_ID))] == [
        (first_id(at(6)), first_id(at(7))),
        (since, first_id(at(6))),
    ]


def test_spans_touch_each_other_grow_and_end_at_the_start() -> None:
    start = NOON - timedelta(days=400)
    spans = list(spans_between(start, at(17)))
    assert spans[0] == (at(-60), at(60))
    assert [low for low, _ in spans[:-1]] == [high for _, high in spans[1:]]
    assert spans[-1][0] == start
    assert len(spans) == 4
    assert list(spans_between(NOON, at(17))) == [(NOON, at(60))]


def test_the_newest_of_two_kinds_are_sorted_together() -> None:
    entries = [
        LogEntry(id=UUID(int=number), at=NOON, event="issued", client_id="c")
        for number in (3, 9, 1, 7)
    ]
    assert [each.id.int for each in newest(entries, 3)] == [9, 7, 3]


@pytest.mark.parametrize(
    ("days", "day", "month"),
    [
        pytest.param(1, (2026, 11, 24), (2024, 10, 1), id="usage-is-kept-longer"),
        pytest.param(3650, (2016, 11, 27), (2016, 11, 1), id="usage-finds-what-is-kept"),
    ],
)
def test_what_is_kept_begins_with_a_day_and_with_a_month(
    days: int, day: tuple[int, int, int], month: tuple[int, int, int]
) -> None:
    assert oldest_day(NOON, days).date() == datetime(*day, tzinfo=UTC).date()
    assert oldest_month(NOON, days).date() == datetime(*month, tzinfo=UTC).date()
