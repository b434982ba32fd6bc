"""The plans that are sold, and what each allows. The one place with their numbers. Pure.

Counts (tenants, clients, APIs, members) bound what may be created: what is there goes on working
after a downgrade.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import msgspec

from shared.domain.limits import Enforcement, MonthlyQuota, Rate, TenantLimits

QUOTA_THRESHOLDS = (60, 80, 100)  # percent of the tokens included: each is told of once a month

_GRACE = 110  # percent of the tokens included, where no overage is bought
_YEARLY = 83  # percent of twelve months' price
_THOUSAND = 1_000  # tokens, which an overage is priced by
_DOLLAR = 100  # US cents
_PRICE_KEY = re.compile(r"([a-z]+)_(monthly|yearly)_v\d+")


class PlanName(StrEnum):
    SANDBOX = "sandbox"
    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    BUSINESS = "business"
    OPERATOR = "operator"  # of whoever runs the installation: not sold, and without limits


class Interval(StrEnum):
    """How often a subscription is paid."""

    MONTHLY = "monthly"
    YEARLY = "yearly"


class Environment(StrEnum):
    """What a tenant is for."""

    TEST = "test"
    LIVE = "live"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each an account may create."""

    live_tenants: int
    test_tenants: int
    clients: int
    apis: int
    members: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    name: PlanName
    price: int  # US cents a month
    tokens: int | None = None  # included in a month; None: no limit
    overage_price: int | None = None  # US cents for 1,000 tokens more; None: none are sold
    counts: Counts | None = None  # None: no limits
    rate: Rate | None = None  # token requests of each tenant; None: no limit
    log_days: int = 365  # that logs and audit are kept

    @property
    def yearly_price(self) -> int:
        """US cents a year, paid at once, in whole dollars."""
        return round(12 * self.price * _YEARLY / 100 / _DOLLAR) * _DOLLAR

    @property
    def overage_per_token(self) -> Decimal | None:
        """US cents for each token more, exactly."""
        return None if self.overage_price is None else Decimal(self.overage_price) / _THOUSAND

    def price_of(self, interval: Interval) -> int:
        """US cents of each month, or of each year."""
        return self.price if interval is Interval.MONTHLY else self.yearly_price


_ALL = (
    Plan(
        name=PlanName.SANDBOX,
        price=0,
        tokens=10_000,
        counts=Counts(live_tenants=0, test_tenants=1, clients=5, apis=2, members=1),
        rate=Rate(per_second=5, burst=10),
        log_days=3,
    ),
    Plan(
        name=PlanName.STARTER,
        price=29_00,
        tokens=100_000,
        overage_price=25,
        counts=Counts(live_tenants=1, test_tenants=1, clients=25, apis=5, members=3),
        rate=Rate(per_second=50, burst=100),
        log_days=14,
    ),
    Plan(
        name=PlanName.GROWTH,
        price=99_00,
        tokens=1_000_000,
        overage_price=10,
        counts=Counts(live_tenants=2, test_tenants=3, clients=100, apis=20, members=10),
        rate=Rate(per_second=200, burst=400),
        log_days=30,
    ),
    Plan(
        name=PlanName.SCALE,
        price=249_00,
        tokens=5_000_000,
        overage_price=6,
        counts=Counts(live_tenants=5, test_tenants=10, clients=500, apis=100, members=25),
        rate=Rate(per_second=500, burst=1_000),
        log_days=90,
    ),
    Plan(
        name=PlanName.BUSINESS,
        price=500_00,
        tokens=20_000_000,
        overage_price=4,
        counts=Counts(live_tenants=20, test_tenants=40, clients=2_500, apis=500, members=100),
        rate=Rate(per_second=1_500, burst=3_000),
        log_days=365,
    ),
    Plan(name=PlanName.OPERATOR, price=0),
)
PLANS: Mapping[PlanName, Plan] = MappingProxyType({plan.name: plan for plan in _ALL})
SOLD = tuple(name for name in PlanName if name is not PlanName.OPERATOR)
PAID = tuple(name for name in SOLD if PLANS[name].price)  # the cheapest first


def price_key(plan: PlanName, interval: Interval) -> str:
    """Name the price at Stripe, by which it is found (its `lookup_key`)."""
    return f"{plan}_{interval}_v1"


def overage_key(plan: PlanName) -> str:
    """Name the price of the tokens over the plan."""
    return f"{plan}_overage_v1"


def read_price_key(key: str) -> tuple[PlanName, Interval] | None:
    """Say what is bought by a price of this name; None where it is none of our plans."""
    found = _PRICE_KEY.fullmatch(key)
    if found is None or found[1] not in PAID:
        return None
    return PlanName(found[1]), Interval(found[2])


def monthly_quota(
    plan: Plan, tokens: int | None = None, overage_cap: int | None = None
) -> MonthlyQuota | None:
    """Give the quota of an account on the plan; None where nothing limits it.

    `tokens` stands in the place of what the plan includes, by contract; `overage_cap` is what the
    account would pay for more, in cents a month, or None where it buys none.
    """
    included = plan.tokens if tokens is None else tokens
    if included is None:
        return None
    if overage_cap is None or plan.overage_price is None:
        return MonthlyQuota(included=included, allowed=included * _GRACE // 100)
    bought = overage_cap * _THOUSAND // plan.overage_price
    return MonthlyQuota(included=included, bought=bought, allowed=included + bought)


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has chosen, and what it has by contract."""

    plan: PlanName
    enforcement: Enforcement = Enforcement.ENFORCE
    overage_cap: int | None = None  # US cents a month; None: it buys no overage
    # in the place of the plan's
    custom_rate: int | None = None  # token requests a second, and with it:
    custom_burst: int | None = None
    custom_tokens: int | None = None  # a month


class OverrideField(StrEnum):
    """What support may set, as `Overrides` names it."""

    RATE = "rate"
    TOKENS = "tokens"
    LIVE_TENANTS = "live_tenants"
    TEST_TENANTS = "test_tenants"
    CLIENTS = "clients"
    APIS = "apis"
    MEMBERS = "members"


class Overrides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What support has set for a while, in the place of contract and plan; None: nothing."""

    rate: Rate | None = None
    tokens: int | None = None  # included in a month
    live_tenants: int | None = None
    test_tenants: int | None = None
    clients: int | None = None
    apis: int | None = None
    members: int | None = None


class HeldLimits(AccountLimits, frozen=True, kw_only=True):
    """All that an account's limits come of, as its row has it."""

    overrides: Overrides = Overrides()


def rate_of(account: HeldLimits) -> Rate | None:
    """Give what each tenant of the account may ask for: override, else contract, else plan."""
    if account.overrides.rate is not None:
        return account.overrides.rate
    if account.custom_rate is not None and account.custom_burst is not None:
        return Rate(account.custom_rate, account.custom_burst)
    return PLANS[account.plan].rate


def tokens_of(account: HeldLimits) -> int | None:
    """Give the tokens that are included in a month, in the same order; None: no limit."""
    for given in (account.overrides.tokens, account.custom_tokens):
        if given is not None:
            return given
    return PLANS[account.plan].tokens


def counts_of(account: HeldLimits) -> Counts | None:
    """Give how many of each the account may create; None where its plan bounds nothing."""
    counts = PLANS[account.plan].counts
    if counts is None:
        return None
    over = {name: getattr(account.overrides, name) for name in Counts.__struct_fields__}
    given = {name: value for name, value in over.items() if value is not None}
    return msgspec.structs.replace(counts, **given)


def tenant_limits(account: HeldLimits) -> TenantLimits:
    """Give what each tenant of the account may ask for."""
    return TenantLimits(
        rate=rate_of(account),
        month=monthly_quota(PLANS[account.plan], tokens_of(account), account.overage_cap),
        observed=account.enforcement is Enforcement.OBSERVE,
    )


def thresholds_reached(included: int, issued: int) -> tuple[int, ...]:
    """Name the thresholds, in percent, that so many tokens have reached."""
    return tuple(each for each in QUOTA_THRESHOLDS if issued * 100 >= included * each)
