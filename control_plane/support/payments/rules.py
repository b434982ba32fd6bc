"""What state an event of Stripe's is in, and what of it is shown. Pure."""

import json
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.domain.refused import Refused

_SECRETS = ("client_secret", "_secret", "secret")  # ends of the names of fields
_HIDDEN = "(not shown)"


class PaymentsRefused(Refused):
    """It cannot be done to this event; the message says why."""


class EventState(StrEnum):
    WAITING = "waiting"
    FAILED = "failed"  # and is tried again
    HANDLED = "handled"
    IGNORED = "ignored"  # by staff, or as of no use to us


class ListedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a list shows it: nothing of a customer but which one."""

    id: str
    type: str
    received_at: datetime
    state: EventState
    outcome: str | None
    fetched: bool  # it was never delivered
    tries: int  # that failed
    account_id: str | None
    account_name: str | None


class ShownEvent(ListedEvent, frozen=True, kw_only=True):
    livemode: bool
    customer_id: str | None
    error: str | None
    handled_at: datetime | None
    replay_asked_at: datetime | None
    ignored_at: datetime | None
    ignored_by: str | None
    ignored_reason: str | None
    body: str

    @property
    def is_ignored_by_staff(self) -> bool:
        return self.ignored_at is not None

    @property
    def payload(self) -> str:
        return pretty(self.body)


def pretty(body: str) -> str:
    """Give JSON for reading, with what may be a secret left out."""
    try:
        return json.dumps(_without_secrets(json.loads(body)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "It cannot be read as JSON."


def _without_secrets(value: object) -> object:
    match value:
        case dict():
            return {
                name: _HIDDEN if str(name).endswith(_SECRETS) and each else _without_secrets(each)
                for name, each in value.items()
            }
        case list():
            return [_without_secrets(each) for each in value]
        case _:
            return value
