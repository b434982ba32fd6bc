"""Twins of the books of billing, which are the login's alone."""

from collections.abc import Callable
from typing import Any

from control_plane.accounts import actions as accounts
from control_plane.accounts.rules import LimitsChange
from control_plane.audit.rules import BY_OPERATOR
from control_plane.billing import books, metering, notices, records, repository
from control_plane.billing.records import CountedRow, ReceivedEvent
from control_plane.billing.rules import Subscription
from control_plane.billing.seen import Status
from control_plane.mail.actions import queue_job
from shared.domain.plan import PlanName
from tests.isolation.calls import NOW, Twin, in_control_plane

_OPERATOR = "operator"
_EVENT = ReceivedEvent(id="evt_b", type="customer.created", livemode=False, body="{}")
_SUBSCRIPTION = Subscription(
    id="sub_b",
    account_id=_OPERATOR,
    status=Status.PAST_DUE,
    plan=PlanName.GROWTH,
    interval=None,
    created_at=NOW,
    period_start=None,
    period_end=None,
    cancel_at_period_end=False,
    past_due_since=NOW,
)

REFUSED: dict[Callable[..., Any], Twin] = {
    accounts.change_plan: in_control_plane(
        lambda c, _: accounts.change_plan(c, _OPERATOR, PlanName.OPERATOR, BY_OPERATOR)
    ),
    accounts.change_limits: in_control_plane(
        lambda c, _: accounts.change_limits(c, _OPERATOR, LimitsChange(), BY_OPERATOR)
    ),
    queue_job: in_control_plane(lambda c, _: queue_job(c, "billing", "take", {})),
    books.store_event: in_control_plane(lambda c, _: books.store_event(c, _EVENT)),
    metering.count: in_control_plane(lambda c, _: metering.count(c, _OPERATOR, NOW)),
    metering.agree: in_control_plane(lambda c, _: metering.agree(c, _OPERATOR, NOW)),
    notices.tell_of: in_control_plane(
        lambda c, _: notices.tell_of(c, _SUBSCRIPTION, "https://console", NOW)
    ),
    repository.add_customer: in_control_plane(
        lambda c, _: repository.add_customer(c, _OPERATOR, "cus_b")
    ),
    repository.find_customer: in_control_plane(lambda c, _: repository.find_customer(c, _OPERATOR)),
    repository.lock_customer: in_control_plane(lambda c, _: repository.lock_customer(c, _OPERATOR)),
    repository.customer_named: in_control_plane(lambda c, _: repository.customer_named(c, "cus_a")),
    repository.list_customers: in_control_plane(lambda c, _: repository.list_customers(c, "", 10)),
    repository.set_given_plan: in_control_plane(
        lambda c, _: repository.set_given_plan(c, _OPERATOR, PlanName.GROWTH)
    ),
    repository.set_trialed: in_control_plane(
        lambda c, _: repository.set_trialed(c, _OPERATOR, NOW)
    ),
    repository.set_refreshed: in_control_plane(
        lambda c, _: repository.set_refreshed(c, _OPERATOR, NOW, changes=1)
    ),
    repository.subscriptions_of: in_control_plane(
        lambda c, _: repository.subscriptions_of(c, _OPERATOR)
    ),
    repository.invoices_of: in_control_plane(lambda c, _: repository.invoices_of(c, _OPERATOR)),
    repository.set_subscriptions: in_control_plane(
        lambda c, _: repository.set_subscriptions(c, [_SUBSCRIPTION])
    ),
    repository.set_invoices: in_control_plane(
        lambda c, _: repository.set_invoices(c, _OPERATOR, [])
    ),
    repository.add_checkout: in_control_plane(
        lambda c, _: repository.add_checkout(c, "cs_b", _OPERATOR, NOW)
    ),
    repository.account_of_checkout: in_control_plane(
        lambda c, _: repository.account_of_checkout(c, "cs_a")
    ),
    repository.accounts_to_watch: in_control_plane(
        lambda c, _: repository.accounts_to_watch(c, NOW, "", 10)
    ),
    records.add_event: in_control_plane(lambda c, _: records.add_event(c, _EVENT)),
    records.find_event: in_control_plane(lambda c, _: records.find_event(c, "evt_a")),
    records.set_outcome: in_control_plane(
        lambda c, _: records.set_outcome(c, "evt_a", "taken", NOW)
    ),
    records.unhandled_events: in_control_plane(lambda c, _: records.unhandled_events(c, NOW, 10)),
    records.forget_events: in_control_plane(lambda c, _: records.forget_events(c, NOW, 10)),
    records.issued_in: in_control_plane(lambda c, _: records.issued_in(c, _OPERATOR, "2026-11")),
    records.find_counted: in_control_plane(
        lambda c, _: records.find_counted(c, _OPERATOR, "2026-11")
    ),
    records.set_counted: in_control_plane(
        lambda c, _: records.set_counted(
            c, _OPERATOR, "2026-11", CountedRow(counted=1, included=None)
        )
    ),
    records.add_metered: in_control_plane(lambda c, _: records.add_metered(c, _OPERATOR, NOW, 1)),
    records.metered_since: in_control_plane(lambda c, _: records.metered_since(c, _OPERATOR, NOW)),
    records.unsent_usage: in_control_plane(lambda c, _: records.unsent_usage(c, 10)),
    records.set_sent: in_control_plane(lambda c, _: records.set_sent(c, "x", NOW)),
    records.accounts_with_overage: in_control_plane(
        lambda c, _: records.accounts_with_overage(c, "", 10)
    ),
    records.add_notice: in_control_plane(lambda c, _: records.add_notice(c, _OPERATOR, "x", NOW)),
    records.thresholds_reached: in_control_plane(
        lambda c, _: records.thresholds_reached(c, "2026-11", 10)
    ),
}
