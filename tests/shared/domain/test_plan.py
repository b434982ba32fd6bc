"""The plans are those of the price page."""

import pytest

from shared.domain.limits import MonthlyQuota, Rate
from shared.domain.plan import (
    PAID,
    PLANS,
    SOLD,
    Interval,
    PlanName,
    monthly_quota,
    overage_key,
    price_key,
    read_price_key,
    thresholds_reached,
)

# $ a month, tokens, cents for 1,000 more, live + test tenants, clients / APIs, rate / burst,
# members, days of logs
_TABLE = """
sandbox      0      10_000    -    0  1     5    2      5    10     1    3
starter     29     100_000   25    1  1    25    5     50   100     3   14
growth      99   1_000_000   10    2  3   100   20    200   400    10   30
scale      249   5_000_000    6    5 10   500  100    500 1_000    25   90
business   500  20_000_000    4   20 40 2_500  500  1_500 3_000   100  365
"""


@pytest.mark.parametrize("row", _TABLE.strip().splitlines(), ids=lambda row: row.split()[0])
def test_a_plan_has_the_numbers_of_the_price_page(row: str) -> None:
    name, *numbers = row.split()
    price, tokens, overage, live, test, clients, apis, rate, burst, members, days = (
        None if each == "-" else int(each) for each in numbers
    )
    plan = PLANS[PlanName(name)]
    assert plan.counts is not None
    assert plan.rate == Rate(rate or 0, burst or 0)
    assert [plan.price, plan.tokens, plan.overage_price] == [(price or 0) * 100, tokens, overage]
    counts = plan.counts
    assert (counts.live_tenants, counts.test_tenants) == (live, test)
    assert (counts.clients, counts.apis, counts.members) == (clients, apis, members)
    assert plan.log_days == days


def test_every_plan_is_there_and_all_but_the_operators_are_sold() -> None:
    assert set(PLANS) == set(PlanName)
    assert set(PlanName) - set(SOLD) == {PlanName.OPERATOR}


def test_a_year_costs_seventeen_percent_less_in_whole_dollars() -> None:
    assert [PLANS[each].yearly_price for each in PAID] == [289_00, 986_00, 2480_00, 4980_00]


def test_a_price_is_named_by_plan_and_interval_and_read_back() -> None:
    named = [(plan, interval) for plan in PAID for interval in Interval]
    assert [read_price_key(price_key(*each)) for each in named] == named
    assert price_key(PlanName.GROWTH, Interval.YEARLY) == "growth_yearly_v1"


@pytest.mark.parametrize(
    "key", ["", "sandbox_monthly_v1", "operator_yearly_v1", "gold_monthly_v1", "growth_monthly"]
)
def test_what_is_no_price_of_ours_is_none(key: str) -> None:
    assert read_price_key(key) is None
    assert read_price_key(overage_key(PlanName.GROWTH)) is None


def test_a_token_over_the_plan_has_an_exact_price() -> None:
    assert [str(PLANS[each].overage_per_token) for each in PAID] == [
        "0.025",
        "0.01",
        "0.006",
        "0.004",
    ]


@pytest.mark.parametrize(
    ("name", "tokens", "cap", "allowed"),
    [
        pytest.param("sandbox", None, None, 11_000, id="sandbox stops at 110 %"),
        pytest.param("sandbox", None, 10_000, 11_000, id="sandbox has no overage"),
        pytest.param("starter", None, None, 110_000, id="a paid plan has the same grace"),
        pytest.param("starter", None, 25_00, 200_000, id="25 dollars at 0.25"),
        pytest.param("growth", None, 1, 1_000_100, id="one cent at 0.10"),
        pytest.param("scale", None, 100_00, 6_666_666, id="100 dollars at 0.06"),
        pytest.param("business", None, 400_00, 30_000_000, id="400 dollars at 0.04"),
        pytest.param("growth", 2_000_000, None, 2_200_000, id="by contract"),
        pytest.param("operator", 1_000, None, 1_100, id="the operator, by its own choice"),
    ],
)
def test_so_many_tokens_are_allowed_in_a_month(
    name: str, tokens: int | None, cap: int | None, allowed: int
) -> None:
    quota = monthly_quota(PLANS[PlanName(name)], tokens, cap)
    assert quota is not None
    assert quota.allowed == allowed


def test_the_operator_has_no_limits() -> None:
    plan = PLANS[PlanName.OPERATOR]
    assert plan.rate is None
    assert monthly_quota(plan) is None


def test_clients_are_told_of_what_is_paid_for_and_not_of_the_grace() -> None:
    assert MonthlyQuota(included=100, allowed=110).announced == 100
    assert MonthlyQuota(included=100, bought=900, allowed=1_000).announced == 1_000


@pytest.mark.parametrize(
    ("issued", "reached"),
    [
        (0, ()),
        (599, ()),
        (600, (60,)),
        (799, (60,)),
        (800, (60, 80)),
        (999, (60, 80)),
        (1_000, (60, 80, 100)),
        (5_000, (60, 80, 100)),
    ],
)
def test_thresholds_are_reached_at_their_tokens(issued: int, reached: tuple[int, ...]) -> None:
    assert thresholds_reached(1_000, issued) == reached
