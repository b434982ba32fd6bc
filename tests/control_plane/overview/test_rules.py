"""What is still to be done, and when keys rotate."""

from datetime import UTC, datetime, timedelta

from control_plane.keys.rules import HeldKey, Schedule
from control_plane.overview.rules import Found, checklist, rotations
from shared.domain.ids import Kid
from shared.domain.jwk import Algorithm
from shared.domain.snapshot import KeyState

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_plan_with_one_seat_asks_for_no_colleague() -> None:
    found = Found(apis=True, clients=True, tokens=False, colleagues=None, second_factor=False)
    steps = checklist(found, "acme")
    assert [each.done for each in steps] == [True, True, False, False]
    assert all(each.path.startswith("/") for each in steps)


def key(algorithm: Algorithm, state: KeyState, **times: datetime) -> HeldKey:
    given = dict.fromkeys(("signs_at", "current_at", "retired_at")) | times
    return HeldKey(
        kid=Kid(f"{algorithm}-{state}"),
        algorithm=algorithm,
        state=state,
        created_at=NOON - 90 * DAY,
        **given,
    )


def test_keys_rotate_by_the_schedule_or_when_the_next_one_says() -> None:
    keys = [
        key(Algorithm.ES256, KeyState.CURRENT, current_at=NOON - 80 * DAY),
        key(Algorithm.RS256, KeyState.CURRENT, current_at=NOON - 10 * DAY),
        key(Algorithm.RS256, KeyState.NEXT, signs_at=NOON + DAY),
        key(Algorithm.EDDSA, KeyState.RETIRED, retired_at=NOON),
    ]
    found = [(each.algorithm, each.at, each.begun) for each in rotations(keys, Schedule())]
    assert found == [
        (Algorithm.RS256, NOON + DAY, True),
        (Algorithm.ES256, NOON + 10 * DAY, False),
    ]
