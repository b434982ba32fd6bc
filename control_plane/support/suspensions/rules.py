"""Which of our staff may suspend what, and decide a deletion that was asked for. Pure."""

from datetime import datetime

import msgspec

from control_plane.staff.rules import StaffPermission, StaffRole, staff_may
from shared.domain.management import OPERATOR, SYSTEM_SLUG
from shared.domain.refused import Refused
from shared.domain.suspension import SuspensionKind


class SuspensionRefused(Refused):
    """The account cannot be suspended or restored so; the message says why."""


class DeletionRefused(Refused):
    """The deletion cannot be asked for or decided so; the message says why."""


class SuspensionRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    account_id: str
    kind: SuspensionKind
    reason: str
    ticket: str
    staff_id: str
    staff_email: str
    created_at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None  # e-mail of the staff member
    lifted_for: str | None = None  # why


class DeletionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's deletion that one of the staff has asked for; another decides."""

    id: str
    account_id: str
    tenant_id: str
    slug: str
    reason: str
    ticket: str
    asked_by: str
    asked_email: str
    asked_at: datetime
    approved: bool | None = None  # None: nobody has decided
    decided_email: str | None = None
    decided_for: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None  # what came of an approved one


def check_suspension(
    account_id: str, role: StaffRole, held: SuspensionKind | None, to: SuspensionKind | None
) -> None:
    """Check a change of what is suspended; None: nothing is. Raises SuspensionRefused."""
    if account_id == OPERATOR:
        raise SuspensionRefused("the operator's account cannot be suspended: all API keys are its")
    if to is held:
        raise SuspensionRefused("it is so already" if to else "the account is not suspended")
    if SuspensionKind.FULL in {held, to} and not staff_may(role, StaffPermission.SUSPEND_FULLY):
        raise SuspensionRefused("only a lead suspends everything, or restores it")


def check_asking(slug: str, *, leaving: bool) -> None:
    """Raises DeletionRefused."""
    if slug == SYSTEM_SLUG:
        raise DeletionRefused("the built-in tenant cannot be deleted: the product is its client")
    if leaving:
        raise DeletionRefused("the tenant is on its way out already")


def check_deciding(asked: DeletionRow, staff_id: str, *, approve: bool) -> None:
    """Raises DeletionRefused. Who has asked may take it back, and never approve it."""
    if asked.approved is not None:
        raise DeletionRefused("this was decided already")
    if approve and asked.asked_by == staff_id:
        raise DeletionRefused("you have asked for it: another of the staff has to approve it")
