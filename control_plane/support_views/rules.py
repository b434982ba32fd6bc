"""How long support's read-only view of the console lasts, and how it is handed over. Pure."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.refused import Refused

VIEW_LASTS = timedelta(minutes=60)  # at most
HANDOVER_LASTS = timedelta(seconds=60)
PREFIX = "sv_"  # of what a view's cookie holds: no session's token has it


class ViewRefused(Refused):
    """The view cannot be begun; the message says why."""


class ViewRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    account_id: str
    staff_id: str
    staff_email: str
    reason: str
    ticket: str
    created_at: datetime
    ends_at: datetime


class NewView(ViewRow, frozen=True, kw_only=True):
    grant_id: str
    staff_session: str  # its public id: signing out ends the view
    handover_digest: bytes
    handover_until: datetime
