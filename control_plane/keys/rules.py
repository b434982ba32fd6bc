"""The life of a signing key: next, current, retired, gone. Pure; times are given."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from shared.domain.client import MAXIMUM_TOKEN_LIFETIME
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm
from shared.domain.refused import Refused
from shared.domain.snapshot import KeyState


class UnknownKey(Refused):
    """The tenant has no such signing key."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How long a key stays in each state.

    A verifier may cache the key set for a day and learns of the next key an hour before it signs at
    the latest; a retired key outlives the last token it signed by a day.
    """

    signs_for: timedelta = timedelta(days=90)
    published_before: timedelta = timedelta(hours=25)
    kept_after: timedelta = timedelta(seconds=MAXIMUM_TOKEN_LIFETIME) + timedelta(hours=24)


class HeldKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: Kid
    algorithm: Algorithm
    state: KeyState
    created_at: datetime
    signs_at: datetime | None  # when a next key is to sign
    current_at: datetime | None  # since when it signs
    retired_at: datetime | None  # since when it signs no more


class MakeNext(msgspec.Struct, frozen=True):
    """Publish a new key of the algorithm, to sign from then on."""

    algorithm: Algorithm
    signs_at: datetime


class SignSooner(msgspec.Struct, frozen=True):
    """Have a next key sign from then on, if that is sooner than planned."""

    kid: Kid
    signs_at: datetime


class Promote(msgspec.Struct, frozen=True):
    """Have the next key sign; the current one retires."""

    algorithm: Algorithm
    kid: Kid


class Remove(msgspec.Struct, frozen=True):
    """Publish the key no more."""

    kid: Kid


class MakeCurrent(msgspec.Struct, frozen=True):
    """Make a key that signs at once: nothing else is left."""

    algorithm: Algorithm


Step: TypeAlias = MakeNext | SignSooner | Promote | Remove | MakeCurrent


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's keys, and what comes of them."""

    keys: list[HeldKey]
    coming: list[tuple[datetime, Step]]  # by the schedule, the next first
    can_rotate: bool  # False: all that a rotation would do is under way


def outlook_of(keys: list[HeldKey], schedule: Schedule, now: datetime) -> Outlook:
    coming = sorted(_planned(keys, schedule, now), key=lambda each: each[0])
    return Outlook(keys=keys, coming=coming, can_rotate=bool(rotate_steps(keys, schedule, now)))


def due_steps(keys: Sequence[HeldKey], schedule: Schedule, now: datetime) -> list[Step]:
    """Give the steps that are due now."""
    return [step for when, step in _planned(keys, schedule, now) if when <= now]


def next_due(keys: Sequence[HeldKey], schedule: Schedule, now: datetime) -> datetime:
    """Tell when the next step is due; a while ahead where none is."""
    times = [when for when, _ in _planned(keys, schedule, now)]
    return min(times, default=now + schedule.signs_for)


def rotate_steps(keys: Sequence[HeldKey], schedule: Schedule, now: datetime) -> list[Step]:
    """Begin a rotation now: a next key is published, and signs as soon as verifiers know it.

    No steps where that is under way.
    """
    steps: list[Step] = []
    for key in keys:
        if key.state is KeyState.NEXT:
            soonest = max(key.created_at + schedule.published_before, now)
            if key.signs_at is not None and soonest < key.signs_at:
                steps.append(SignSooner(key.kid, soonest))
        elif key.state is KeyState.CURRENT and _next_of(keys, key.algorithm) is None:
            steps.append(MakeNext(key.algorithm, now + schedule.published_before))
    return steps


def revoke_steps(keys: Sequence[HeldKey], kid: Kid) -> list[Step]:
    """Take a key away at once. If it signs, another takes its place, known to verifiers or not."""
    revoked = next((key for key in keys if key.kid == kid), None)
    if revoked is None:
        raise UnknownKey("the tenant has no such signing key")
    steps: list[Step] = [Remove(kid)]
    if revoked.state is KeyState.CURRENT:
        waiting = _next_of(keys, revoked.algorithm)
        steps.append(
            Promote(revoked.algorithm, waiting.kid)
            if waiting is not None
            else MakeCurrent(revoked.algorithm)
        )
    return steps


def _planned(
    keys: Sequence[HeldKey], schedule: Schedule, now: datetime
) -> list[tuple[datetime, Step]]:
    """Say for each key what happens to it next, and when."""
    planned: list[tuple[datetime, Step]] = []
    for key in keys:
        if key.state is KeyState.NEXT and key.signs_at is not None:
            planned.append((key.signs_at, Promote(key.algorithm, key.kid)))
        elif key.state is KeyState.RETIRED and key.retired_at is not None:
            planned.append((key.retired_at + schedule.kept_after, Remove(key.kid)))
        elif key.current_at is not None and _next_of(keys, key.algorithm) is None:
            end = key.current_at + schedule.signs_for
            signs_at = max(end, now + schedule.published_before)
            planned.append((end - schedule.published_before, MakeNext(key.algorithm, signs_at)))
    return planned


def _next_of(keys: Sequence[HeldKey], algorithm: Algorithm) -> HeldKey | None:
    waiting = (key for key in keys if key.state is KeyState.NEXT and key.algorithm == algorithm)
    return next(waiting, None)
