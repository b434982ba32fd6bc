"""What a change would cost and when it begins, and what Stripe says is due. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from control_plane.billing.rules import Subscription, is_upgrade
from control_plane.billing.seen import maybe_at
from shared.domain.plan import Interval, PlanName


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What another plan would cost. Amounts are in US cents."""

    at_once: bool  # else at the period's end
    takes_effect: datetime
    due_now: int  # less what is left of the running period; 0 where it is at the period's end
    needs_checkout: bool  # the first purchase: `begin_checkout` instead of `change_plan`


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice that the running period will end with, as it is by now. Amounts: US cents."""

    total: int
    due_at: datetime | None
    lines: list[tuple[str, int]]  # what for, and how much


class BillingDetails(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    tax_ids: list[str]


def goes_up(held: Subscription, plan: PlanName, interval: Interval) -> bool:
    """Tell whether it is had at once. What is of no plan of ours is changed at once, too."""
    if held.plan is None or held.interval is None:
        return True
    return is_upgrade((held.plan, held.interval), (plan, interval))


def later(held: Subscription, now: datetime) -> Change:
    """Say that it begins with the next period, for its own price."""
    begins = held.period_end or now
    return Change(at_once=False, takes_effect=begins, due_now=0, needs_checkout=False)


def draft_of(preview: dict[str, Any]) -> Draft:
    return Draft(
        total=int(preview["total"]),
        due_at=maybe_at(preview.get("next_payment_attempt") or preview.get("period_end")),
        lines=[
            (str(each.get("description") or ""), int(each["amount"]))
            for each in preview.get("lines", {}).get("data", [])
        ],
    )


def details_of(customer: dict[str, Any]) -> BillingDetails:
    tax_ids = (customer.get("tax_ids") or {}).get("data", [])
    return BillingDetails(
        email=customer.get("email") or "", tax_ids=[str(each["value"]) for each in tax_ids]
    )
