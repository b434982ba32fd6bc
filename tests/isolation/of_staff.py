"""Twins of what is of our own staff: a tenant's role reaches none of it."""

from collections.abc import Callable
from typing import Any

from control_plane.audit import actions as audit
from control_plane.audit.rules import BY_OPERATOR, Noted
from control_plane.passkeys.repository import PasskeyRow
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import STAFFS
from control_plane.staff import actions, grants, repository
from control_plane.staff.repository import StaffRow
from control_plane.staff.rules import Grant, Reason, StaffRole
from control_plane.support import shown
from control_plane.support.shown import Act
from tests.isolation.calls import NOW, SOON, Twin, in_control_plane

_STAFF = "st_a"
_DIGEST = b"d"
_NOTED = Noted("support.open", "account operator")
_ACT = Act(by=BY_OPERATOR, why=Reason(reason="a test"))
_SESSIONS = Sessions(STAFFS)

_ROW = StaffRow(
    id=_STAFF,
    email="a@example.org",
    name="A",
    role=StaffRole.LEAD,
    password_hash=None,
    totp_sealed=None,
    totp_last_step=0,
    created_at=NOW,
    signed_in_at=None,
    disabled_at=None,
    has_passkey=False,
)

_PASSKEY = PasskeyRow(
    credential_id=_DIGEST,
    person_id=_STAFF,
    public_key=b"k",
    sign_count=0,
    name="A",
    created_at=NOW,
    used_at=None,
)

_GRANT = Grant(
    id="g_a",
    staff_id=_STAFF,
    account_id="operator",
    reason="a test",
    ticket="",
    created_at=NOW,
    ends_at=SOON,
)

REFUSED: dict[Callable[..., Any], Twin] = {
    audit.record_of_staff: in_control_plane(
        lambda c, _: audit.record_of_staff(c, BY_OPERATOR, _NOTED)
    ),
    grants.record_of_both: in_control_plane(
        lambda c, _: grants.record_of_both(c, "operator", BY_OPERATOR, _NOTED)
    ),
    actions.begin_staff_session: in_control_plane(
        lambda c, _: actions.begin_staff_session(
            c, _SESSIONS, _ROW, Visitor("", ""), NOW, proof="passkey"
        )
    ),
    Act.note: in_control_plane(lambda c, _: _ACT.note(c, "x", "y")),
    Act.note_both: in_control_plane(lambda c, _: _ACT.note_both(c, "operator", "x", "y")),
    shown.defer: in_control_plane(lambda c, _: shown.defer(c, "task", {})),
    repository.add_staff: in_control_plane(
        lambda c, _: repository.add_staff(c, _STAFF, "b@example.org", "B", StaffRole.LEAD)
    ),
    repository.find_staff: in_control_plane(lambda c, _: repository.find_staff(c, _STAFF)),
    repository.find_staff_by_email: in_control_plane(
        lambda c, _: repository.find_staff_by_email(c, "a@example.org")
    ),
    repository.list_staff: in_control_plane(lambda c, _: repository.list_staff(c)),
    repository.change_staff: in_control_plane(
        lambda c, _: repository.change_staff(c, _STAFF, role=StaffRole.LEAD)
    ),
    repository.spend_staff_step: in_control_plane(
        lambda c, _: repository.spend_staff_step(c, _STAFF, 1)
    ),
    repository.add_staff_link: in_control_plane(
        lambda c, _: repository.add_staff_link(c, _DIGEST, _STAFF, SOON)
    ),
    repository.remove_staff_links: in_control_plane(
        lambda c, _: repository.remove_staff_links(c, _STAFF)
    ),
    repository.find_staff_link: in_control_plane(
        lambda c, _: repository.find_staff_link(c, _DIGEST, NOW)
    ),
    repository.spend_staff_link: in_control_plane(
        lambda c, _: repository.spend_staff_link(c, _DIGEST, NOW)
    ),
    repository.add_staff_passkey: in_control_plane(
        lambda c, _: repository.add_staff_passkey(c, _PASSKEY)
    ),
    repository.find_staff_passkey: in_control_plane(
        lambda c, _: repository.find_staff_passkey(c, _DIGEST)
    ),
    repository.use_staff_passkey: in_control_plane(
        lambda c, _: repository.use_staff_passkey(c, _DIGEST, 1, NOW, NOW)
    ),
    repository.remove_staff_passkeys: in_control_plane(
        lambda c, _: repository.remove_staff_passkeys(c, _STAFF)
    ),
    repository.find_account_name: in_control_plane(
        lambda c, _: repository.find_account_name(c, "operator")
    ),
    repository.add_grant: in_control_plane(lambda c, _: repository.add_grant(c, _GRANT)),
    repository.find_live_grant: in_control_plane(
        lambda c, _: repository.find_live_grant(c, _STAFF, "operator", NOW)
    ),
    repository.list_live_grants: in_control_plane(
        lambda c, _: repository.list_live_grants(c, _STAFF, NOW)
    ),
    repository.end_grants: in_control_plane(lambda c, _: repository.end_grants(c, _STAFF, NOW)),
    repository.defer_job: in_control_plane(lambda c, _: repository.defer_job(c, "task", b"{}")),
}
