"""Where an account stands, by our books alone: nothing is asked of Stripe."""

from datetime import datetime

import msgspec

from control_plane.accounts.actions import show_limits
from control_plane.billing import records, repository
from control_plane.billing.repository import CustomerRow
from control_plane.billing.rules import Invoice, Subscription, current, forecast, governs
from shared.domain.limits import TenantLimits
from shared.domain.plan import PlanName
from shared.runtime.database import Database


class BillingState(msgspec.Struct, frozen=True, kw_only=True):
    """All that the books have of an account."""

    plan: PlanName
    limits: TenantLimits
    by_contract: bool  # the operator has set the plan: nothing can be bought
    is_customer: bool  # of Stripe's: has begun to buy something
    subscription: Subscription | None  # None: never had one; it may be over
    may_start_trial: bool
    issued: int  # tokens of this UTC month
    forecast: int  # of the whole month, if it goes on so
    overage_cap: int | None  # US cents a month; None: no tokens over the plan are bought
    unpaid: Invoice | None  # whose payment has failed: the newest


async def find_standing(database: Database, account_id: str, now: datetime) -> BillingState:
    """Raises UnknownAccount."""
    details = await show_limits(database, account_id)
    async with database.control() as connection:
        customer = await repository.find_customer(connection, account_id)
        subscription = current(await repository.subscriptions_of(connection, account_id))
        invoices = await repository.invoices_of(connection, account_id)
        issued = await records.issued_in(connection, account_id, f"{now:%Y-%m}")
    plan = details.chosen.plan
    by_contract = not governs(plan, customer.given_plan if customer else None)
    return BillingState(
        plan=plan,
        limits=details.limits,
        by_contract=by_contract,
        is_customer=customer is not None,
        subscription=subscription,
        may_start_trial=not by_contract and may_try(customer, subscription),
        issued=issued,
        forecast=forecast(issued, now),
        overage_cap=details.chosen.overage_cap,
        unpaid=next((each for each in invoices if each.is_open), None),
    )


def may_try(customer: CustomerRow | None, subscription: Subscription | None) -> bool:
    """Tell whether there was neither a trial nor a purchase yet."""
    return subscription is None and (customer is None or customer.trialed_at is None)
