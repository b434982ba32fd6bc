"""Twins of what support does to accounts: overrides, suspensions, views and deletions."""

from collections.abc import Callable
from typing import Any

from control_plane.accounts import repository as accounts
from control_plane.accounts.rules import OverrideRow
from control_plane.management_api import repository as management
from control_plane.support.limits import repository as overrides
from control_plane.support.suspensions import repository as suspensions
from control_plane.support.suspensions.rules import DeletionRow, SuspensionRow
from control_plane.support_views import repository as views
from control_plane.support_views.rules import NewView
from control_plane.tenants import repository as tenants
from shared.domain.plan import OverrideField
from shared.domain.suspension import SuspensionKind
from tests.isolation.calls import NOW, Twin, in_control_plane

_RATE = OverrideField.RATE
_OF_B: dict[str, Any] = {"account_id": "operator", "reason": "B's", "ticket": ""}
_STAFF: dict[str, Any] = {"staff_id": "st_b", "staff_email": "b@example.org", "created_at": NOW}
_OVERRIDE = OverrideRow(
    id="o", field=_RATE, value=1, burst=1, ends_at=NOW, ended_at=None, **_OF_B, **_STAFF
)
_SUSPENSION = SuspensionRow(id="s", kind=SuspensionKind.FULL, **_OF_B, **_STAFF)
_VIEW = NewView(
    id="v",
    ends_at=NOW,
    grant_id="g",
    staff_session="s",
    handover_digest=b"1",
    handover_until=NOW,
    **_OF_B,
    **_STAFF,
)


def _deletion(tenant_id: str) -> DeletionRow:
    return DeletionRow(
        id="d",
        tenant_id=tenant_id,
        slug="a",
        asked_by="st_b",
        asked_email="b@example.org",
        asked_at=NOW,
        **_OF_B,
    )


REFUSED: dict[Callable[..., Any], Twin] = {
    accounts.accounts_with_due_overrides: in_control_plane(
        lambda c, _: accounts.accounts_with_due_overrides(c, NOW, 10)
    ),
    accounts.end_due_overrides: in_control_plane(
        lambda c, _: accounts.end_due_overrides(c, "operator", NOW)
    ),
    accounts.live_overrides: in_control_plane(lambda c, _: accounts.live_overrides(c, "operator")),
    accounts.mark_overrides: in_control_plane(lambda c, _: accounts.mark_overrides(c, "operator")),
    management.suspension_of: in_control_plane(
        lambda c, _: management.suspension_of(c, "operator")
    ),
    overrides.add_override: in_control_plane(lambda c, _: overrides.add_override(c, _OVERRIDE)),
    overrides.find_live_override: in_control_plane(
        lambda c, _: overrides.find_live_override(c, "operator", _RATE)
    ),
    overrides.end_override: in_control_plane(
        lambda c, _: overrides.end_override(c, "operator", _RATE, NOW)
    ),
    overrides.set_override_end: in_control_plane(
        lambda c, _: overrides.set_override_end(c, "operator", _RATE, NOW)
    ),
    overrides.past_overrides: in_control_plane(
        lambda c, _: overrides.past_overrides(c, "operator", 10)
    ),
    suspensions.list_suspensions: in_control_plane(
        lambda c, _: suspensions.list_suspensions(c, "operator", 10)
    ),
    suspensions.live_suspension: in_control_plane(
        lambda c, _: suspensions.live_suspension(c, "operator")
    ),
    suspensions.add_suspension: in_control_plane(
        lambda c, _: suspensions.add_suspension(c, _SUSPENSION)
    ),
    suspensions.lift_suspension: in_control_plane(
        lambda c, _: suspensions.lift_suspension(c, "operator", "b", "why", NOW)
    ),
    suspensions.mark_suspended: in_control_plane(
        lambda c, _: suspensions.mark_suspended(c, "operator", SuspensionKind.FULL)
    ),
    suspensions.add_deletion: in_control_plane(
        lambda c, x: suspensions.add_deletion(c, _deletion(x.a.tenant_id))
    ),
    suspensions.lock_deletion: in_control_plane(
        lambda c, _: suspensions.lock_deletion(c, "operator", "d")
    ),
    suspensions.open_deletion_of: in_control_plane(
        lambda c, x: suspensions.open_deletion_of(c, x.a.tenant_id)
    ),
    suspensions.decide_deletion: in_control_plane(
        lambda c, _: suspensions.decide_deletion(c, "d", ("st", "b"), "why", NOW, approved=True)
    ),
    suspensions.list_deletions: in_control_plane(
        lambda c, _: suspensions.list_deletions(c, "operator", 10)
    ),
    suspensions.open_deletions: in_control_plane(lambda c, _: suspensions.open_deletions(c, 10)),
    tenants.approved_deletion: in_control_plane(lambda c, _: tenants.approved_deletion(c, "d")),
    tenants.set_deletion_outcome: in_control_plane(
        lambda c, _: tenants.set_deletion_outcome(c, "d", "B's")
    ),
    views.add_view: in_control_plane(lambda c, _: views.add_view(c, _VIEW)),
    views.take_over: in_control_plane(lambda c, _: views.take_over(c, b"1", b"2", NOW)),
    views.find_view: in_control_plane(lambda c, _: views.find_view(c, b"2", NOW)),
    views.note_use: in_control_plane(lambda c, _: views.note_use(c, "v_b", NOW)),
    views.live_view: in_control_plane(lambda c, _: views.live_view(c, "st_b", "operator", NOW)),
    views.forget_views: in_control_plane(lambda c, _: views.forget_views(c, NOW, 10)),
    views.end_views: in_control_plane(lambda c, _: views.end_views(c, "st_b", "operator", NOW)),
}
