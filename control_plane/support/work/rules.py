"""What a job, a queue and a piece of periodic work show of themselves. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.refused import Refused

_SLACK = timedelta(minutes=2)  # that a run may itself take


class WorkRefused(Refused):
    """It cannot be tried again; the message says why."""


class JobState(StrEnum):
    FAILED = "failed"
    RETRYING = "retrying"
    WAITING = "waiting"


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs a list is to have; what is empty is not asked about."""

    queue: str = ""
    state: str = ""  # a JobState


class QueueDepth(msgspec.Struct, frozen=True, kw_only=True):
    queue: str
    waiting: int
    retrying: int  # of those waiting: failed before
    doing: int
    failed: int  # given up
    failed_lately: int  # of those: in the last 24 hours
    oldest: datetime | None  # since when the oldest of those waiting is queued


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job without its arguments, which are not ours to see."""

    id: int
    queue: str
    task: str
    status: str
    attempts: int
    scheduled_at: datetime | None
    queued_at: datetime | None
    error: str | None  # why it failed last
    failed_at: datetime | None
    letter_kind: str | None
    letter_domain: str | None

    @property
    def state(self) -> str:
        match self.status:
            case "failed" | "aborted":
                return "given up"
            case "doing":
                return "running"
            case _:
                return "to be tried again" if self.attempts else "waiting"

    @property
    def can_retry(self) -> bool:
        return self.state in {"given up", "to be tried again"}


class LetterCount(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    domain: str
    waiting: int
    failed: int
    sent: int  # in the last 24 hours


class PeriodicRun(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    every: int  # seconds
    ran_at: datetime
    well_at: datetime | None  # of the last run that ended well
    outcome: str  # of that one
    error: str | None  # None: the last run was that one

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it should have been done since: one that is missed may be a restart."""
        due = timedelta(seconds=2 * self.every) + _SLACK
        return now - (self.well_at or self.ran_at) > due


def spoken(every: int) -> str:
    """Say how often, from seconds."""
    for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if every >= seconds:
            count = every // seconds
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return f"every {every} seconds"
