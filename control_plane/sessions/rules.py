"""How long a session lives, by its kind. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec


class SessionKind(StrEnum):
    HALF = "half"  # the password was right; a second factor is still asked for
    CONSOLE = "console"
    REMEMBERED = "remembered"
    STAFF = "staff"


class Lifetime(msgspec.Struct, frozen=True):
    idle: timedelta  # it ends when nothing was asked for so long
    absolute: timedelta  # and in any case so long after it began


LIFETIMES = {
    SessionKind.HALF: Lifetime(timedelta(minutes=10), timedelta(minutes=10)),
    SessionKind.CONSOLE: Lifetime(timedelta(minutes=30), timedelta(hours=12)),
    SessionKind.REMEMBERED: Lifetime(timedelta(days=14), timedelta(days=30)),
    SessionKind.STAFF: Lifetime(timedelta(minutes=15), timedelta(hours=4)),
}
STEP_UP = timedelta(minutes=10)  # what asks for a fresh proof takes one of the last minutes
SEEN_EVERY = timedelta(minutes=1)  # a session's last use is written no more often


class SessionsAway(Exception):
    """Where sessions rest does not answer: nobody can be signed in, or known to be, just now."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    public_id: str
    kind: SessionKind
    person_id: str
    account_id: str | None
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    stepped_up_at: datetime | None
    ends_at: datetime

    def lives(self, now: datetime) -> bool:
        return now < self.ends_at and now - self.seen_at < LIFETIMES[self.kind].idle

    def is_stepped_up(self, now: datetime) -> bool:
        return self.stepped_up_at is not None and now - self.stepped_up_at < STEP_UP
