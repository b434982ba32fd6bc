"""Which limit an account meets, and what would lift it."""

import pytest

from control_plane.limits.rules import Limited, LimitReached, limit_of, plans_with_more, tenants_of
from shared.domain.limits import Enforcement
from shared.domain.plan import Environment, HeldLimits, Overrides, PlanName


@pytest.mark.parametrize(
    ("plan", "what", "limit"),
    [
        (PlanName.SANDBOX, Limited.CLIENTS, 5),
        (PlanName.SANDBOX, Limited.LIVE_TENANTS, 0),
        (PlanName.STARTER, Limited.TEST_TENANTS, 1),
        (PlanName.SCALE, Limited.APIS, 100),
        (PlanName.OPERATOR, Limited.CLIENTS, None),
    ],
)
def test_the_limit_is_the_plans(plan: PlanName, what: Limited, limit: int | None) -> None:
    assert limit_of(HeldLimits(plan=plan), what) == limit


def test_who_is_only_watched_has_none() -> None:
    watched = HeldLimits(plan=PlanName.SANDBOX, enforcement=Enforcement.OBSERVE)
    assert limit_of(watched, Limited.CLIENTS) is None


def test_an_override_stands_in_the_place_of_the_plans() -> None:
    account = HeldLimits(plan=PlanName.SANDBOX, overrides=Overrides(clients=7))
    assert limit_of(account, Limited.CLIENTS) == 7
    assert limit_of(account, Limited.APIS) == 2
    reached = LimitReached(account, Limited.CLIENTS, 7)
    assert str(reached) == "the account may for now have 7 clients, and all are in use"


def test_the_plans_that_lift_it_are_named() -> None:
    more = plans_with_more(Limited.CLIENTS, 100)
    assert more == [(PlanName.SCALE, 500), (PlanName.BUSINESS, 2_500)]
    assert plans_with_more(Limited.CLIENTS, 2_500) == []


def test_the_refusal_says_what_and_how_many() -> None:
    reached = LimitReached(HeldLimits(plan=PlanName.SANDBOX), tenants_of(Environment.TEST), 1)
    assert str(reached) == "the plan sandbox includes 1 test tenants, and all are in use"
    assert tenants_of(Environment.LIVE) is Limited.LIVE_TENANTS
