"""The life of a key, step by step on a clock that is turned by hand."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from control_plane.keys.rules import (
    HeldKey,
    MakeCurrent,
    MakeNext,
    Promote,
    Remove,
    Schedule,
    SignSooner,
    UnknownKey,
    due_steps,
    next_due,
    outlook_of,
    revoke_steps,
    rotate_steps,
)
from shared.domain.client import MAXIMUM_TOKEN_LIFETIME
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import KeyState

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SCHEDULE = Schedule()
ES = Algorithm.ES256


def key(kid: str, state: KeyState, at: datetime, algorithm: Algorithm = ES) -> HeldKey:
    return HeldKey(
        kid=Kid(kid),
        algorithm=algorithm,
        state=state,
        created_at=at,
        signs_at=at + SCHEDULE.published_before if state is KeyState.NEXT else None,
        current_at=at if state is KeyState.CURRENT else None,
        retired_at=at if state is KeyState.RETIRED else None,
    )


CURRENT = key("a", KeyState.CURRENT, START)


def test_a_young_key_is_left_alone() -> None:
    assert due_steps([CURRENT], SCHEDULE, START + 88 * DAY) == []
    assert next_due([CURRENT], SCHEDULE, START) == START + 90 * DAY - 25 * HOUR


def test_the_next_key_is_published_a_day_before_it_signs() -> None:
    now = START + 90 * DAY - 25 * HOUR
    assert due_steps([CURRENT], SCHEDULE, now) == [MakeNext(ES, START + 90 * DAY)]


def test_a_key_that_is_made_late_is_published_as_long() -> None:
    now = START + 200 * DAY  # nobody ran for a while
    assert due_steps([CURRENT], SCHEDULE, now) == [MakeNext(ES, now + 25 * HOUR)]


def test_the_next_key_signs_when_its_time_has_come() -> None:
    waiting = key("b", KeyState.NEXT, START + 89 * DAY)
    signs_at = START + 89 * DAY + 25 * HOUR
    assert due_steps([CURRENT, waiting], SCHEDULE, signs_at - HOUR) == []
    assert due_steps([CURRENT, waiting], SCHEDULE, signs_at) == [Promote(ES, Kid("b"))]


def test_a_retired_key_outlives_the_last_token_it_signed_by_a_day() -> None:
    retired = key("r", KeyState.RETIRED, START)
    end = START + timedelta(seconds=MAXIMUM_TOKEN_LIFETIME) + DAY
    assert due_steps([CURRENT, retired], SCHEDULE, end - HOUR) == []
    assert due_steps([CURRENT, retired], SCHEDULE, end) == [Remove(Kid("r"))]


def test_each_algorithm_has_its_own_time() -> None:
    young = key("e", KeyState.CURRENT, START + 60 * DAY, Algorithm.EDDSA)
    assert due_steps([CURRENT, young], SCHEDULE, START + 90 * DAY) == [
        MakeNext(ES, START + 90 * DAY + 25 * HOUR)
    ]


def test_rotating_now_publishes_and_does_not_sign_yet() -> None:
    assert rotate_steps([CURRENT], SCHEDULE, START) == [MakeNext(ES, START + 25 * HOUR)]


def test_rotating_now_brings_a_waiting_key_forward_but_not_before_it_is_known() -> None:
    waiting = msgspec.structs.replace(key("b", KeyState.NEXT, START), signs_at=START + 80 * DAY)
    assert rotate_steps([CURRENT, waiting], SCHEDULE, START + HOUR) == [
        SignSooner(Kid("b"), START + 25 * HOUR)
    ]
    assert rotate_steps([CURRENT, waiting], SCHEDULE, START + 9 * DAY) == [
        SignSooner(Kid("b"), START + 9 * DAY)
    ]


def test_rotating_twice_is_rotating_once() -> None:
    waiting = msgspec.structs.replace(key("b", KeyState.NEXT, START), signs_at=START + 25 * HOUR)
    assert rotate_steps([CURRENT, waiting], SCHEDULE, START + HOUR) == []
    assert not outlook_of([CURRENT, waiting], SCHEDULE, START + HOUR).can_rotate
    later = msgspec.structs.replace(waiting, signs_at=START + 80 * DAY)
    assert outlook_of([CURRENT, later], SCHEDULE, START + HOUR).can_rotate


def test_the_outlook_names_what_comes_in_its_order() -> None:
    retired = key("r", KeyState.RETIRED, START)
    outlook = outlook_of([CURRENT, retired], SCHEDULE, START)
    assert [step for _, step in outlook.coming] == [
        Remove(Kid("r")),
        MakeNext(ES, START + 90 * DAY),
    ]
    assert outlook.coming[0][0] == START + SCHEDULE.kept_after


@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.RETIRED])
def test_a_key_that_does_not_sign_is_just_taken_away(state: KeyState) -> None:
    assert revoke_steps([CURRENT, key("x", state, START)], Kid("x")) == [Remove(Kid("x"))]


def test_a_revoked_current_key_is_followed_by_the_next_or_by_a_new_one() -> None:
    waiting = key("b", KeyState.NEXT, START)
    assert revoke_steps([CURRENT, waiting], Kid("a")) == [
        Remove(Kid("a")),
        Promote(ES, Kid("b")),
    ]
    assert revoke_steps([CURRENT], Kid("a")) == [Remove(Kid("a")), MakeCurrent(ES)]


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(UnknownKey):
        revoke_steps([CURRENT], Kid("z"))


def test_a_year_of_looks_keeps_one_key_signing_and_every_promise() -> None:
    keys, now, made = [CURRENT], START, 0
    for _ in range(4 * 365):
        now += 6 * HOUR
        for step in due_steps(keys, SCHEDULE, now):
            keys, made = _taken(keys, step, now, made)
        assert sum(each.state is KeyState.CURRENT for each in keys) == 1
    assert made == 4


def _taken(
    keys: list[HeldKey], step: object, now: datetime, made: int
) -> tuple[list[HeldKey], int]:
    replace = msgspec.structs.replace
    match step:
        case MakeNext(_, signs_at):
            assert signs_at - now >= 24 * HOUR
            new = replace(key(f"k{made}", KeyState.NEXT, now), signs_at=signs_at)
            return [*keys, new], made + 1
        case Promote(_, kid):
            return [
                replace(each, state=KeyState.CURRENT, current_at=now, signs_at=None)
                if each.kid == kid
                else replace(each, state=KeyState.RETIRED, retired_at=now)
                if each.state is KeyState.CURRENT
                else each
                for each in keys
            ], made
        case Remove(kid):
            gone = next(each for each in keys if each.kid == kid)
            assert gone.retired_at is not None
            assert now - gone.retired_at >= timedelta(seconds=MAXIMUM_TOKEN_LIFETIME) + DAY
            return [each for each in keys if each.kid != kid], made
        case _:
            pytest.fail(f"nobody asked for {step}")
