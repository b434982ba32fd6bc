"""Limits as a snapshot carries them, and the months they are counted in."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.limits import (
    NO_LIMITS,
    InvalidLimit,
    MonthlyQuota,
    Rate,
    TenantLimits,
    check_rate,
    month_of,
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("now", "name", "seconds"),
    [
        ("2026-11-01T00:00:00", "2026-11", 30 * 86_400),
        ("2026-11-30T23:59:59", "2026-11", 30 * 86_400),
        ("2026-12-31T23:59:59", "2026-12", 31 * 86_400),
        ("2027-01-01T00:00:00", "2027-01", 31 * 86_400),
        ("2028-02-29T12:00:00", "2028-02", 29 * 86_400),
    ],
)
def test_a_month_is_the_calendars_in_utc(now: str, name: str, seconds: int) -> None:
    month = month_of(at(now))
    assert (month.name, month.seconds) == (name, seconds)
    assert month.starts_at <= at(now) < month.ends_at


@given(st.integers(0, 2**33))
def test_months_follow_each_other_without_a_gap(now: int) -> None:
    month = month_of(now)
    following = month_of(month.ends_at)
    assert month.starts_at <= now < month.ends_at == following.starts_at
    assert month_of(month.ends_at - 1) == month


def test_limits_come_out_of_a_snapshot_as_they_went_in() -> None:
    limits = TenantLimits(
        rate=Rate(5, 10), month=MonthlyQuota(included=10, allowed=11), observed=True
    )
    assert msgspec.json.decode(msgspec.json.encode(limits), type=TenantLimits) == limits
    assert msgspec.json.decode(b"{}", type=TenantLimits) == NO_LIMITS


@pytest.mark.parametrize("rate", [Rate(0, 1), Rate(1, 0), Rate(-1, 5), Rate(10**9, 1)])
def test_a_rate_that_cannot_be_kept_to_is_refused(rate: Rate) -> None:
    with pytest.raises(InvalidLimit):
        check_rate(rate)
