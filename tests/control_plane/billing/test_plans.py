"""What a customer is told of plans before they choose one."""

from datetime import UTC, datetime

import pytest

from control_plane.billing.plans import (
    OFFERED,
    Choice,
    Difference,
    choice,
    counted,
    differences,
    overage_cost,
    table,
)
from control_plane.billing.rules import Subscription
from control_plane.billing.seen import Status
from control_plane.http.money import dollars
from shared.domain.plan import PLANS, Counts, Interval, PlanName

NOTHING = Counts(live_tenants=0, test_tenants=0, clients=0, apis=0, members=1)


def test_the_table_has_every_limit_of_every_plan_that_is_sold() -> None:
    lines = {each.words: each.of_plans for each in table()}
    assert [plan.name for plan in OFFERED] == ["sandbox", "starter", "growth", "scale", "business"]
    assert lines["Tokens a month"] == ("10,000", "100,000", "1,000,000", "5,000,000", "20,000,000")
    assert lines["Clients"] == ("5", "25", "100", "500", "2,500")
    assert lines["Tokens beyond them"][:2] == ("none: stops at 110 %", "$0.25 per 1,000")
    assert lines["Token requests a second / at once"][-1] == "1,500 / 3,000"
    assert {len(each) for each in lines.values()} == {len(OFFERED)}


def test_what_has_no_limit_is_counted_without_one() -> None:
    has = Counts(live_tenants=2, test_tenants=1, clients=40, apis=5, members=3)
    assert [(each.has, each.most) for each in counted(PLANS[PlanName.STARTER], has)] == [
        *((2, 1), (1, 1), (40, 25), (5, 5), (3, 3))
    ]
    assert {each.most for each in counted(PLANS[PlanName.OPERATOR], has)} == {None}
    assert not [
        each
        for each in differences(PLANS[PlanName.STARTER], PLANS[PlanName.OPERATOR], has)
        if each.too_many
    ]


def test_a_downgrade_names_what_is_there_beyond_it() -> None:
    has = Counts(live_tenants=2, test_tenants=1, clients=40, apis=5, members=3)
    found = differences(PLANS[PlanName.GROWTH], PLANS[PlanName.STARTER], has)
    too_many = {each.words: each.too_many for each in found if each.too_many}
    assert too_many == {"Live tenants": 1, "Clients": 15}
    assert Difference(words="Clients", now="100", then="25", too_many=15) in found


def test_an_upgrade_takes_nothing_and_the_same_plan_differs_in_nothing() -> None:
    growth, scale = PLANS[PlanName.GROWTH], PLANS[PlanName.SCALE]
    assert not [each for each in differences(growth, scale, NOTHING) if each.too_many]
    assert differences(growth, growth, NOTHING) == []


def subscription(
    plan: PlanName, interval: Interval = Interval.MONTHLY, status: Status = Status.ACTIVE
) -> Subscription:
    return Subscription(
        id="sub_1",
        account_id="a_1",
        status=status,
        plan=plan,
        interval=interval,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        period_start=datetime(2026, 11, 1, tzinfo=UTC),
        period_end=datetime(2026, 12, 1, tzinfo=UTC),
        cancel_at_period_end=False,
    )


@pytest.mark.parametrize(
    ("held", "to", "interval", "expected"),
    [
        (None, "growth", "monthly", Choice.BUY),
        (None, "sandbox", "monthly", Choice.HELD),
        (subscription(PlanName.GROWTH), "growth", "monthly", Choice.HELD),
        (subscription(PlanName.GROWTH), "growth", "yearly", Choice.UPGRADE),
        (subscription(PlanName.GROWTH), "scale", "monthly", Choice.UPGRADE),
        (subscription(PlanName.GROWTH), "starter", "yearly", Choice.DOWNGRADE),
        (subscription(PlanName.GROWTH, Interval.YEARLY), "growth", "monthly", Choice.DOWNGRADE),
        (subscription(PlanName.GROWTH), "sandbox", "yearly", Choice.CANCEL),
        (subscription(PlanName.GROWTH, status=Status.TRIALING), "growth", "monthly", Choice.BUY),
        (
            subscription(PlanName.GROWTH, status=Status.TRIALING),
            "sandbox",
            "monthly",
            Choice.CANCEL,
        ),
        (subscription(PlanName.GROWTH, status=Status.CANCELED), "starter", "monthly", Choice.BUY),
        (subscription(PlanName.GROWTH, status=Status.PAST_DUE), "scale", "monthly", Choice.UPGRADE),
    ],
)
def test_what_comes_of_choosing_a_plan(
    held: Subscription | None, to: str, interval: str, expected: Choice
) -> None:
    assert choice(held, PlanName(to), Interval(interval)) is expected


@pytest.mark.parametrize(
    ("name", "tokens", "cents"),
    [
        ("starter", 100_000, 0),
        ("starter", 101_000, 25),
        ("growth", 1_000_001, 1),
        ("sandbox", 10**9, 0),
    ],
)
def test_what_is_over_costs_its_part(name: str, tokens: int, cents: int) -> None:
    assert overage_cost(PLANS[PlanName(name)], tokens) == cents


@pytest.mark.parametrize(
    ("cents", "written"),
    [(29_00, "$29"), (1_234_50, "$1,234.50"), (5, "$0.05"), (-5_00, "-$5"), (0, "$0")],
)
def test_an_amount_is_written_as_people_do(cents: int, written: str) -> None:
    assert dollars(cents) == written
