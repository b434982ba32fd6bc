"""What a diagnosis is made from, and what it says. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime

import msgspec

from control_plane.audit.rules import Event
from control_plane.keys.rules import HeldKey
from control_plane.usage.rules import LogEntry
from shared.domain.client import AuthMethod, DpopUse
from shared.domain.limits import Rate, TenantLimits
from shared.domain.scope import Scope
from shared.domain.snapshot import TenantStatus
from shared.domain.suspension import SuspensionKind

_LONGEST = 200  # characters of what a change says


class SeenSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret by what is known of it without it."""

    name: str
    last_four: str
    created_at: datetime
    expires_at: datetime | None


class SeenClient(msgspec.Struct, frozen=True, kw_only=True):
    client_id: str
    name: str
    enabled: bool
    auth_method: AuthMethod
    default_api: str | None
    rate: Rate | None  # its own
    dpop: DpopUse
    created_at: datetime
    grants: Mapping[str, Scope]  # API identifier -> scopes
    secrets: tuple[SeenSecret, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer says that their service asks for; what is empty is not known."""

    client_id: str = ""
    scope: str = ""  # separated by spaces
    audience: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that the checks look at."""

    now: datetime
    suspended: SuspensionKind | None  # the account, by support
    status: TenantStatus
    deletes_at: datetime | None
    limits: TenantLimits
    used: int  # tokens of the account in this month
    applying: bool  # limits or a suspension changed, and the data plane may not know it yet
    asked: Asked
    refusal: LogEntry | None = None  # what is to be explained
    # of the tenant's schema, and its part of the ledger: a deleted one has none
    keys: tuple[HeldKey, ...] = ()
    apis: Mapping[str, Scope] = {}  # API identifier -> its scopes
    client: SeenClient | None = None
    elsewhere: str = ""  # the slug of the account's other tenant that has the client
    counts: Mapping[str, int] = {}  # this hour and the last, by event; of the client if asked
    changes: tuple[Event, ...] = ()  # the last ones of the tenant and the client, the oldest first

    @property
    def reason(self) -> str:
        """What the data plane said of the refusal."""
        return (self.refusal.reason or "") if self.refusal else ""

    @property
    def later(self) -> list[Event]:
        """What was changed since the refusal: things may not be as they were."""
        return [each for each in self.changes if self.refusal and each.at > self.refusal.at]

    def is_refused_as(self, *errors: str) -> bool:
        return self.refusal is not None and self.refusal.error in errors


def told_of(event: Event) -> str:
    """Say in a line what was changed, when and by whom."""
    after = json.loads(event.after or "{}")
    said = ", ".join(f"{name} {value}" for name, value in sorted(after.items()))
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC: {event.action} by {event.who}" + (
        f" ({said[:_LONGEST]})" if said else ""
    )


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, by what one sees that, and what to tell the customer."""

    found: str
    tell: str
    evidence: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # of the check
    found: str
    tell: str = ""
    evidence: tuple[str, ...] = ()


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    cause: Finding | None  # None: all well
    also: list[Finding]  # wrong too, but it explains nothing of what was refused
    fine: list[Finding]  # in the order of the checks
