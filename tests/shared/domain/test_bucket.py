"""GCRA: never more than the limit in any window, and nobody refused who keeps to it."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bucket import SECOND, Bucket
from shared.domain.limits import Rate

_START = 10**15  # nanoseconds: a machine that has been up for days

rates = st.builds(Rate, st.integers(1, 5_000), st.integers(1, 50))
gaps = st.lists(st.integers(0, 3 * SECOND // 2) | st.integers(0, 2_000_000), max_size=150)


def times(start: int, between: list[int]) -> list[int]:
    found = [start]
    for gap in between:
        found.append(found[-1] + gap)
    return found


@given(rates, gaps)
def test_no_window_holds_more_than_the_burst_and_what_the_rate_has_added(
    rate: Rate, between: list[int]
) -> None:
    bucket = Bucket(rate)
    taken = [now for now in times(_START, between) if bucket.take(now)]
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            added = rate.per_second * (taken[last] - taken[first])
            assert (last - first + 1) * SECOND <= rate.burst * SECOND + added


@given(rates, st.integers(0, 200))
def test_whoever_keeps_to_the_rate_is_never_refused(rate: Rate, extra: int) -> None:
    bucket = Bucket(rate)
    apart = -(-SECOND // rate.per_second)
    assert all(bucket.take(_START + number * apart) for number in range(rate.burst + extra))


@given(rates)
def test_the_burst_is_taken_at_once_and_not_one_more(rate: Rate) -> None:
    bucket = Bucket(rate)
    assert [bucket.take(_START) for _ in range(rate.burst + 1)] == [True] * rate.burst + [False]


@given(rates, gaps)
def test_after_the_wait_it_takes_one_and_a_nanosecond_before_it_does_not(
    rate: Rate, between: list[int]
) -> None:
    bucket = Bucket(rate)
    for now in times(_START, between):
        while bucket.take(now):
            pass
        wait = bucket.wait(now)
        assert wait > 0
        assert not bucket.take(now + wait - 1)
        assert bucket.take(now + wait)
        bucket.give_back()


@given(rates, gaps)
def test_what_is_left_is_what_it_takes(rate: Rate, between: list[int]) -> None:
    bucket = Bucket(rate)
    for now in times(_START, between):
        left, _ = bucket.left(now)
        taken = 0
        while bucket.take(now):
            taken += 1
        assert taken == left
        _, seconds = bucket.left(now)
        assert bucket.left(now + SECOND * seconds) == (rate.burst, 0)


@given(rates, rates, st.integers(0, 60))
def test_a_new_rate_forgets_nothing_that_was_used(old: Rate, new: Rate, used: int) -> None:
    bucket = Bucket(old)
    used = sum(bucket.take(_START) for _ in range(used))
    bucket.change(new, _START)
    assert bucket.left(_START)[0] == max(0, new.burst - used)


@given(rates, st.integers(0, 50))
def test_a_bucket_goes_on_from_where_another_was(rate: Rate, left: int) -> None:
    bucket = Bucket(rate)
    bucket.set_left(min(left, rate.burst), _START)
    assert bucket.left(_START)[0] == min(left, rate.burst)


def test_a_rest_gives_no_more_than_the_burst() -> None:
    bucket = Bucket(Rate(5, 10))
    assert sum(bucket.take(_START) for _ in range(20)) == 10
    assert sum(bucket.take(_START + 3600 * SECOND) for _ in range(20)) == 10
