"""The fields that tell of limits."""

import pytest

from data_plane.protocol.rate_limit import month_policy, rate_policy
from shared.domain.limits import MonthlyQuota, Rate


@pytest.mark.parametrize(
    ("rate", "policy"),
    [
        (Rate(200, 400), '"rate";q=400;w=2'),
        (Rate(5, 10), '"rate";q=10;w=2'),
        (Rate(1_000, 1), '"rate";q=1;w=1'),
    ],
)
def test_a_policy_has_the_drafts_form(rate: Rate, policy: str) -> None:
    assert rate_policy("rate", rate) == policy


def test_the_months_policy_is_what_is_announced() -> None:
    quota = MonthlyQuota(included=1_000_000, allowed=1_100_000)
    assert month_policy(quota, 2_592_000) == '"month";q=1000000;w=2592000'
