"""Which step comes next, and when keys rotate. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from control_plane.keys.rules import HeldKey, Schedule
from shared.domain.jwk import Algorithm
from shared.domain.latency import percentile
from shared.domain.snapshot import KeyState

_PERCENTS = (50, 95, 99)


class Rotation(msgspec.Struct, frozen=True):
    """When an algorithm's key is next to be another one."""

    algorithm: Algorithm
    at: datetime
    begun: bool  # the next key is published


class Step(msgspec.Struct, frozen=True, kw_only=True):
    words: str
    path: str
    done: bool


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What there is already of what everyone needs sooner or later."""

    apis: bool
    clients: bool
    tokens: bool
    colleagues: bool | None  # None: the plan has one seat
    second_factor: bool


def checklist(found: Found, slug: str) -> list[Step]:
    """Name the steps from nothing to a service that others can rely on."""
    base = f"/tenants/{slug}"
    steps = [
        Step(words="Make an API", path=f"{base}/apis/new", done=found.apis),
        Step(words="Create a client", path=f"{base}/clients/new", done=found.clients),
        Step(words="Get your first token", path=f"{base}/first-token", done=found.tokens),
        Step(words="Turn your second factor on", path="/you", done=found.second_factor),
    ]
    if found.colleagues is not None:
        steps.append(Step(words="Invite a colleague", path="/team", done=found.colleagues))
    return steps


def rotations(keys: Sequence[HeldKey], schedule: Schedule) -> list[Rotation]:
    """Say for each algorithm when its next key signs, the soonest first."""
    begun = {
        key.algorithm: key.signs_at
        for key in keys
        if key.state is KeyState.NEXT and key.signs_at is not None
    }
    planned = {
        key.algorithm: key.current_at + schedule.signs_for
        for key in keys
        if key.state is KeyState.CURRENT and key.current_at is not None
    }
    found = [
        Rotation(algorithm, at, begun=algorithm in begun)
        for algorithm, at in (planned | begun).items()
    ]
    return sorted(found, key=lambda each: each.at)


def percentiles(counted: Mapping[str, int]) -> list[tuple[str, float]]:
    """Say within how many milliseconds half of the tokens were answered, and nearly all."""
    found = [(f"p{percent}", percentile(counted, percent)) for percent in _PERCENTS]
    return [(name, milliseconds) for name, milliseconds in found if milliseconds is not None]
