"""What a subscription means: each state's plan, who governs it, and what is had at once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import msgspec
import pytest

from control_plane.billing.rules import (
    GRACE,
    INTERVAL,
    PLAN,
    Subscription,
    booked,
    bought_by,
    current,
    forecast,
    governs,
    is_upgrade,
    newly_over,
    plan_of,
    superseded,
)
from control_plane.billing.seen import Price, Seen, Status
from shared.domain.plan import PAID, Interval, PlanName

_NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_GROWTH_YEARLY = {PLAN: "growth", INTERVAL: "yearly"}


def subscription(
    status: Status = Status.ACTIVE,
    plan: PlanName | None = PlanName.GROWTH,
    *,
    name: str = "sub_1",
    since: datetime | None = None,
) -> Subscription:
    return Subscription(
        id=name,
        account_id="a_1",
        status=status,
        plan=plan,
        interval=Interval.MONTHLY,
        created_at=_NOW,
        period_start=_NOW,
        period_end=_NOW + timedelta(days=30),
        cancel_at_period_end=False,
        past_due_since=since,
    )


def seen(status: str, *, price: str = "growth_monthly_v1") -> Seen:
    item = {
        "id": "si_1",
        "price": {"id": "price_1", "lookup_key": price},
        "current_period_start": 1,
        "current_period_end": 2,
    }
    return msgspec.convert(
        {
            "id": "sub_1",
            "customer": "cus_1",
            "status": status,
            "created": 1,
            "items": {"data": [item]},
        },
        Seen,
    )


@pytest.mark.parametrize("plan", PAID)
@pytest.mark.parametrize("status", list(Status))
def test_each_state_has_its_plan(status: Status, plan: PlanName) -> None:
    pays = status in {Status.TRIALING, Status.ACTIVE}
    expected = plan if pays else PlanName.SANDBOX
    since = None
    if status is Status.PAST_DUE:
        since, expected = _NOW, plan
    assert plan_of(subscription(status, plan, since=since), _NOW) is expected


def test_without_a_subscription_or_a_price_of_ours_it_is_sandbox() -> None:
    assert plan_of(None, _NOW) is PlanName.SANDBOX
    assert plan_of(subscription(plan=None), _NOW) is PlanName.SANDBOX


def test_a_payment_that_is_due_has_fourteen_days() -> None:
    due = subscription(Status.PAST_DUE, since=_NOW)
    assert timedelta(days=14) == GRACE
    assert plan_of(due, _NOW + GRACE - _SECOND) is PlanName.GROWTH
    assert plan_of(due, _NOW + GRACE) is PlanName.SANDBOX


def test_the_days_of_grace_are_counted_from_the_first_sight_and_end_with_the_payment() -> None:
    first = booked(seen("past_due"), "a_1", None, _NOW, {})
    later = booked(seen("past_due"), "a_1", first, _NOW + timedelta(days=3), {})
    assert first.past_due_since == later.past_due_since == _NOW
    paid = booked(seen("active"), "a_1", later, _NOW + timedelta(days=4), {})
    assert paid.past_due_since is None


def test_what_pays_counts_before_what_is_due_and_before_what_is_over() -> None:
    due = subscription(Status.PAST_DUE, name="sub_2", since=_NOW)
    over = subscription(Status.CANCELED, name="sub_3")
    pays = subscription(Status.ACTIVE, name="sub_1")
    for order in permutations([due, over, pays]):
        assert current(order) == pays
    for order in permutations([due, over]):
        assert current(order) == due
    assert current([over]) == over
    assert current([]) is None


def test_a_purchase_takes_the_place_of_a_trial() -> None:
    trial, bought = subscription(Status.TRIALING, name="sub_2"), subscription(name="sub_1")
    for order in permutations([trial, bought]):  # of the same second, too
        assert current(order) == bought
        assert superseded(order) == [trial]
    assert superseded([trial]) == []


def test_a_price_says_what_it_buys_by_its_metadata_even_without_its_name() -> None:
    assert bought_by(Price(id="p", metadata=_GROWTH_YEARLY)) == (PlanName.GROWTH, Interval.YEARLY)
    assert bought_by(Price(id="p", lookup_key="scale_monthly_v1")) == (
        PlanName.SCALE,
        Interval.MONTHLY,
    )
    assert bought_by(Price(id="p", metadata={PLAN: "operator", INTERVAL: "yearly"})) is None
    assert bought_by(Price(id="p", lookup_key="gold")) is None


@pytest.mark.parametrize(
    ("held", "given", "ours"),
    [
        pytest.param("sandbox", None, True, id="never given"),
        pytest.param("growth", "growth", True, id="as given"),
        pytest.param("business", "growth", False, id="the operator's"),
        pytest.param("scale", None, False, id="the operator's, never a customer"),
        pytest.param("operator", None, False, id="our own"),
        pytest.param("sandbox", "growth", False, id="taken away by the operator"),
    ],
)
def test_what_the_operator_has_set_is_left(held: str, given: str | None, *, ours: bool) -> None:
    assert governs(PlanName(held), PlanName(given) if given else None) is ours


def test_more_is_had_at_once_and_less_at_the_periods_end() -> None:
    order = [(plan, Interval.MONTHLY) for plan in PAID]
    for low, high in pairwise(order):
        assert is_upgrade(low, high)
        assert not is_upgrade(high, low)
    monthly, yearly = (PlanName.GROWTH, Interval.MONTHLY), (PlanName.GROWTH, Interval.YEARLY)
    assert is_upgrade(monthly, yearly)
    assert not is_upgrade(yearly, monthly)
    assert not is_upgrade(monthly, monthly)


@pytest.mark.parametrize(
    ("issued", "counted", "included", "over"),
    [
        (90, 0, 100, 0),
        (130, 0, 100, 30),
        (150, 130, 100, 20),
        (150, 50, 100, 50),
        (150, 50, None, 0),
    ],
)
def test_only_what_was_issued_since_the_last_count_is_newly_over(
    issued: int, counted: int, included: int | None, over: int
) -> None:
    assert newly_over(issued, counted, included) == over


def test_a_month_goes_on_as_it_did() -> None:
    assert forecast(1450, datetime(2026, 11, 15, 12, tzinfo=UTC)) == 3000
    assert forecast(0, datetime(2026, 11, 1, tzinfo=UTC)) == 0
