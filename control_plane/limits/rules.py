"""What a plan lets an account create, and how that is said when there is no room. Pure.

Only creation is bounded: what is there goes on working after a downgrade.
"""

from enum import StrEnum

from shared.domain.limits import Enforcement
from shared.domain.plan import PLANS, SOLD, Counts, Environment, HeldLimits, PlanName, counts_of
from shared.domain.refused import Refused


class Limited(StrEnum):
    """What is counted, as `Counts` names it."""

    LIVE_TENANTS = "live_tenants"
    TEST_TENANTS = "test_tenants"
    CLIENTS = "clients"
    APIS = "apis"


_WORDS = {
    Limited.LIVE_TENANTS: "live tenants",
    Limited.TEST_TENANTS: "test tenants",
    Limited.CLIENTS: "clients",
    Limited.APIS: "APIs",
}


class LimitReached(Refused):
    """The account has as many as it may."""

    def __init__(self, account: HeldLimits, what: Limited, limit: int) -> None:
        self.plan = account.plan
        self.what = what
        self.limit = limit
        self.for_now = getattr(account.overrides, what) is not None  # by support, not by the plan
        whose = "the account may for now have" if self.for_now else f"the plan {self.plan} includes"
        super().__init__(f"{whose} {limit} {self.words}, and all are in use")

    @property
    def words(self) -> str:
        return _WORDS[self.what]


def tenants_of(environment: Environment) -> Limited:
    return Limited.LIVE_TENANTS if environment is Environment.LIVE else Limited.TEST_TENANTS


def limit_of(account: HeldLimits, what: Limited) -> int | None:
    """Say how many the account may have; None where nothing bounds it, or it is only watched."""
    counts = counts_of(account)
    if counts is None or account.enforcement is Enforcement.OBSERVE:
        return None
    return allowed(counts, what)


def allowed(counts: Counts, what: Limited) -> int:
    match what:
        case Limited.LIVE_TENANTS:
            return counts.live_tenants
        case Limited.TEST_TENANTS:
            return counts.test_tenants
        case Limited.CLIENTS:
            return counts.clients
        case Limited.APIS:
            return counts.apis


def plans_with_more(what: Limited, limit: int) -> list[tuple[PlanName, int]]:
    """Name the plans that include more, with how many."""
    offered = [(name, PLANS[name].counts) for name in SOLD]
    return [
        (name, allowed(counts, what))
        for name, counts in offered
        if counts is not None and allowed(counts, what) > limit
    ]
