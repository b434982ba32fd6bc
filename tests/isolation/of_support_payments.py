"""Twins of what support sees of payments and of the background work: no tenant's role may."""

from collections.abc import Callable
from typing import Any

from control_plane.billing import comparisons, records
from control_plane.billing.comparisons import Reconciliation
from control_plane.jobs import repository as jobs
from control_plane.mail import actions as mail
from control_plane.support.payments import repository as payments
from control_plane.support.work import repository as work
from control_plane.support.work.rules import Sought
from tests.isolation.calls import NOW, Twin, in_control_plane

_OPERATOR = "operator"
_ROW = Reconciliation(
    account_id=_OPERATOR,
    starts_at=NOW,
    ends_at=NOW,
    ours=1,
    metered=1,
    invoiced=None,
    drift=0.0,
    at=NOW,
)

REFUSED: dict[Callable[..., Any], Twin] = {
    mail.set_letter_sent: in_control_plane(lambda c, _: mail.set_letter_sent(c, 1)),
    jobs.note_error: in_control_plane(lambda c, _: jobs.note_error(c, 1, "x")),
    jobs.forget_errors: in_control_plane(lambda c, _: jobs.forget_errors(c, NOW, 10)),
    jobs.forget_letters: in_control_plane(lambda c, _: jobs.forget_letters(c, NOW, 10)),
    jobs.note_run: in_control_plane(lambda c, _: jobs.note_run(c, "x", 60, NOW, "")),
    jobs.note_failed_run: in_control_plane(lambda c, _: jobs.note_failed_run(c, "x", 60, NOW, "")),
    jobs.newest_run: in_control_plane(lambda c, _: jobs.newest_run(c)),
    records.set_error: in_control_plane(lambda c, _: records.set_error(c, "evt_a", "x")),
    records.last_arrived: in_control_plane(lambda c, _: records.last_arrived(c)),
    comparisons.metered_between: in_control_plane(
        lambda c, _: comparisons.metered_between(c, _OPERATOR, NOW, NOW)
    ),
    comparisons.set_reconciliation: in_control_plane(
        lambda c, _: comparisons.set_reconciliation(c, _ROW)
    ),
    payments.list_events: in_control_plane(
        lambda c, _: payments.list_events(c, payments.Sought(), before="", limit=10)
    ),
    payments.show_event: in_control_plane(lambda c, _: payments.show_event(c, "evt_a")),
    payments.count_failed: in_control_plane(lambda c, _: payments.count_failed(c)),
    payments.set_waiting: in_control_plane(lambda c, _: payments.set_waiting(c, "evt_a")),
    payments.set_ignored: in_control_plane(lambda c, _: payments.set_ignored(c, "evt_a", "b", "x")),
    payments.set_heeded: in_control_plane(lambda c, _: payments.set_heeded(c, "evt_a")),
    payments.page_of_drifts: in_control_plane(
        lambda c, _: payments.page_of_drifts(c, adrift=False, offset=0, limit=10)
    ),
    payments.drifts_of: in_control_plane(lambda c, _: payments.drifts_of(c, _OPERATOR)),
    payments.count_adrift: in_control_plane(lambda c, _: payments.count_adrift(c)),
    work.queue_depths: in_control_plane(lambda c, _: work.queue_depths(c)),
    work.page_of_jobs: in_control_plane(
        lambda c, _: work.page_of_jobs(c, Sought(), offset=0, limit=10)
    ),
    work.find_job: in_control_plane(lambda c, _: work.find_job(c, 1)),
    work.waiting_jobs: in_control_plane(lambda c, _: work.waiting_jobs(c, "send_letter")),
    work.letter_counts: in_control_plane(lambda c, _: work.letter_counts(c, 10)),
    work.list_runs: in_control_plane(lambda c, _: work.list_runs(c)),
    work.find_run: in_control_plane(lambda c, _: work.find_run(c, "x")),
    work.retry: in_control_plane(lambda c, _: work.retry(c, "mail", None)),
}
