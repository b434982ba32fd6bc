"""The roles of our staff, what each may do, and the reason that goes with it. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.refused import Refused

GRANT_LASTS = timedelta(minutes=60)  # at most; the database holds it too
ENROL_WITHIN = timedelta(hours=48)
_LONGEST_REASON, _LONGEST_TICKET, _LONGEST_NAME = 500, 60, 60  # characters


class StaffRole(StrEnum):
    READER = "reader"
    AGENT = "agent"
    BILLING = "billing"
    LEAD = "lead"


class StaffPermission(StrEnum):
    """Each with the words that say what it lets do."""

    SEE = "Find accounts, open one with a reason, see it"
    WRITE_NOTES = "Write notes about an account"
    CHANGE_LIMITS = "Override limits, throttle"
    SUSPEND = "Suspend the console or new tokens, and undo it"
    SUSPEND_FULLY = "Suspend everything, and undo it"
    IMPERSONATE = "See the console as the account does"
    RETRY_JOBS = "Retry jobs"
    SEE_PAYMENTS = "See Stripe's events and the reconciliation"
    CHANGE_PAYMENTS = "Replay, ignore and fetch Stripe's events"
    REQUEST_DELETION = "Ask for a tenant's deletion"
    APPROVE_DELETION = "Approve a deletion that another asked for"
    SEE_JOURNAL = "See and export all of the staff audit"


_READER = frozenset({StaffPermission.SEE})

STAFF_MATRIX: Mapping[StaffRole, frozenset[StaffPermission]] = {
    StaffRole.READER: _READER,
    StaffRole.AGENT: _READER
    | {
        StaffPermission.WRITE_NOTES,
        StaffPermission.CHANGE_LIMITS,
        StaffPermission.SUSPEND,
        StaffPermission.IMPERSONATE,
        StaffPermission.RETRY_JOBS,
        StaffPermission.REQUEST_DELETION,
    },
    StaffRole.BILLING: _READER
    | {
        StaffPermission.WRITE_NOTES,
        StaffPermission.SEE_PAYMENTS,
        StaffPermission.CHANGE_PAYMENTS,
    },
    StaffRole.LEAD: frozenset(StaffPermission),
}


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody of the staff does something, as both audit logs keep it."""

    reason: str
    ticket: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What it adds to an event."""
        return {"reason": self.reason} | ({"ticket": self.ticket} if self.ticket else {})


class ReasonMissing(Refused):
    """Nothing is done without a reason."""

    def __init__(self) -> None:
        super().__init__("say why: nothing was done, and the reason is kept with what is done")


class StaffRefused(Refused):
    """The staff account cannot be made or changed so; the message says why."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """That one of the staff may see an account for a while."""

    id: str
    staff_id: str
    account_id: str
    reason: str
    ticket: str
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None

    @property
    def why(self) -> Reason:
        return Reason(reason=self.reason, ticket=self.ticket)


class Opened(Grant, frozen=True, kw_only=True):
    """A live grant with the name of its account."""

    account_name: str


def staff_may(role: StaffRole, permission: StaffPermission) -> bool:
    return permission in STAFF_MATRIX[role]


def reason_of(reason: str, ticket: str = "") -> Reason:
    """Read what was typed. Raises ReasonMissing."""
    said = _plain(reason)[:_LONGEST_REASON]
    if not said:
        raise ReasonMissing
    return Reason(reason=said, ticket=_plain(ticket)[:_LONGEST_TICKET])


def check_staff_name(name: str) -> str:
    """Give the name as it is kept. Raises StaffRefused."""
    plain = _plain(name)
    if not 0 < len(plain) <= _LONGEST_NAME:
        raise StaffRefused(f"a name has 1 to {_LONGEST_NAME} characters")
    return plain


def _plain(text: str) -> str:
    """Take out what does not print, and space around it."""
    return "".join(each if each.isprintable() else " " for each in text).strip()
