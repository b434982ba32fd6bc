"""What an account may look like, and which limits it may have. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.limits import MAXIMUM_TOKENS, Enforcement, InvalidLimit, Rate, check_rate
from shared.domain.management import OPERATOR
from shared.domain.name import NAME_RULE, is_name
from shared.domain.plan import PLANS, AccountLimits, OverrideField, Overrides, PlanName
from shared.domain.refused import Refused

_MAXIMUM_CAP = 10_000_000_00  # US cents


class InvalidAccount(Refused):
    """The account cannot be made or changed so; the message says why."""


class LimitsChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; None leaves it as it is."""

    reset: bool = False  # first of all, take away what differs from the plan
    rate: Rate | None = None
    tokens: int | None = None  # a month
    enforcement: Enforcement | None = None
    overage_cap: int | None = None  # US cents a month; 0: no overage


class OverrideRow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that support has set for a while, in the place of contract and plan."""

    id: str
    account_id: str
    field: OverrideField
    value: int  # of a rate: token requests a second
    burst: int | None  # of a rate
    reason: str
    ticket: str
    staff_id: str
    staff_email: str
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    @property
    def facts(self) -> dict[str, Any]:
        """What the audit logs say of it."""
        of_rate = {} if self.burst is None else {"burst": self.burst}
        until = self.ends_at.isoformat(timespec="seconds")
        return {"value": self.value, **of_rate, "until": until}


def overrides_of(live: Sequence[OverrideRow]) -> Overrides:
    """Give what an account's limits come of, from the rows that are live."""
    return Overrides(**{each.field.value: _value_of(each) for each in live})


def _value_of(row: OverrideRow) -> Any:
    return row.value if row.burst is None else Rate(row.value, row.burst)


def check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidAccount(NAME_RULE)


def with_plan(held: AccountLimits, account_id: str, plan: PlanName) -> AccountLimits:
    """Give the limits on another plan. What was agreed by contract stays."""
    if (account_id == OPERATOR) is not (plan is PlanName.OPERATOR):
        raise InvalidAccount("the operator's account has the operator's plan, and no other has it")
    return msgspec.structs.replace(held, plan=plan)


def changed(held: AccountLimits, change: LimitsChange) -> AccountLimits:
    """Give the limits after the change. Raises InvalidLimit."""
    _check(held, change)
    kept = AccountLimits(plan=held.plan) if change.reset else held
    cap = kept.overage_cap if change.overage_cap is None else change.overage_cap or None
    return AccountLimits(
        plan=held.plan,
        enforcement=change.enforcement or kept.enforcement,
        overage_cap=cap,
        custom_rate=change.rate.per_second if change.rate else kept.custom_rate,
        custom_burst=change.rate.burst if change.rate else kept.custom_burst,
        custom_tokens=change.tokens or kept.custom_tokens,
    )


def _check(held: AccountLimits, change: LimitsChange) -> None:
    if change.rate is not None:
        check_rate(change.rate)
    if change.tokens is not None and not 1 <= change.tokens <= MAXIMUM_TOKENS:
        raise InvalidLimit(f"the tokens of a month are from 1 to {MAXIMUM_TOKENS}")
    if change.overage_cap is not None and not 0 <= change.overage_cap <= _MAXIMUM_CAP:
        raise InvalidLimit(f"the overage's cap is at most {_MAXIMUM_CAP} cents a month")
    if change.overage_cap and PLANS[held.plan].overage_price is None:
        raise InvalidLimit(f"the plan {held.plan} sells no overage")
