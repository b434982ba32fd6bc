"""What is late, and how an account may be throttled."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from control_plane.support.abuse.rules import Over, ThrottleRefused, Work, lines_of, read_throttle
from shared.domain.limits import Rate

_NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
_WELL = Work(
    accounts_due=0,
    keys_due=0,
    deletions_due=0,
    events_due=0,
    unsent=0,
    rolled_until=_NOW - timedelta(hours=1),
    counted=_NOW,
)


@pytest.mark.parametrize(
    ("late", "name"),
    [
        ({"accounts_due": 2}, "Accounts whose limits are being published"),
        ({"keys_due": 1}, "Tenants whose signing keys wait"),
        ({"deletions_due": 1}, "Deletions that wait"),
        ({"events_due": 1}, "Stripe events that wait"),
        ({"unsent": 1}, "Usage that Stripe has not been told"),
        ({"rolled_until": _NOW - timedelta(hours=4)}, "Usage rolled up until"),
        ({"counted": None}, "Last counted by the data plane"),
    ],
)
def test_what_is_late_is_marked(late: dict[str, object], name: str) -> None:
    assert [each.name for each in lines_of(_WELL, _NOW) if each.is_bad] == []
    seen = lines_of(msgspec.structs.replace(_WELL, **late), _NOW)
    assert [each.name for each in seen if each.is_bad] == [name]


def test_a_throttle_has_a_rate_and_an_end() -> None:
    assert read_throttle("5", "24", _NOW) == (Rate(5, 10), _NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("rate", "hours"),
    [
        ("0", "24"),
        ("-1", "24"),
        ("", "24"),
        ("1.5", "24"),
        ("9999999999", "24"),
        ("5", "5"),
        ("5", ""),
    ],
)
def test_what_is_no_throttle_is_refused(rate: str, hours: str) -> None:
    with pytest.raises(ThrottleRefused):
        read_throttle(rate, hours, _NOW)


@pytest.mark.parametrize(
    ("over", "since"),
    [
        (Over.HOUR, datetime(2026, 11, 28, 11, tzinfo=UTC)),
        (Over.DAY, datetime(2026, 11, 27, tzinfo=UTC)),
    ],
)
def test_an_hour_and_a_day_are_this_one_and_the_last(over: Over, since: datetime) -> None:
    assert over.since(_NOW) == since
