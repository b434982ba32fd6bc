"""What was done to one event among 2,000 is found, with its place and by its name."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from control_plane.audit.rules import (
    BY_OPERATOR,
    TENANT,
    Broken,
    Chain,
    Damage,
    Event,
    Head,
    Noted,
    Verification,
    chained,
    digest_of,
    head_after,
)
from control_plane.audit.verification import Walk
from shared.runtime.config import Key

KEY, OTHER_KEY = Key(b"k" * 32), Key(b"o" * 32)
CHAIN = Chain(TENANT, "aaaaaaaaaaaaa")
START = datetime(2026, 11, 1, tzinfo=UTC)
EVENTS = 2_000


def made(chain: Chain = CHAIN, key: Key = KEY, events: int = EVENTS) -> tuple[list[Event], Head]:
    head: Head | None = None
    made_events: list[Event] = []
    for number in range(events):
        noted = Noted("client.change", f"client c_{number}", {"name": "a"}, {"name": "b"})
        now = START + timedelta(minutes=number)
        event = chained(chain, key, head, by=BY_OPERATOR, noted=noted, now=now)
        head = head_after(chain, key, event)
        made_events.append(event)
    assert head is not None
    return made_events, head


@pytest.fixture(scope="module")
def whole() -> tuple[list[Event], Head]:
    return made()


def walked(events: list[Event], head: Head | None, keys: tuple[Key, ...] = (KEY,)) -> Verification:
    walk = Walk(CHAIN, keys, head)
    for event in events:
        walk.take(event)
    return walk.finish()


def put(event: Event, **values: object) -> Event:
    return msgspec.structs.replace(event, **values)


def test_a_chain_as_it_was_recorded_is_whole(whole: tuple[list[Event], Head]) -> None:
    assert walked(*whole) == Verification(events=EVENTS, broken=None)
    assert walked([], None) == Verification(events=0, broken=None)


@pytest.mark.parametrize(
    "values",
    [
        {"target": "client c_other"},
        {"actor_id": "p_other"},
        {"actor_email": "eve@example.org"},
        {"action": "client.delete"},
        {"before": None},
        {"after": '{"name":"c"}'},
        {"address": "192.0.2.9"},
        {"request_id": "r_9"},
        {"digest": bytes(32)},
        {"previous": bytes(32)},
    ],
    ids=lambda values: next(iter(values)),
)
@pytest.mark.parametrize("place", [1, 1000, EVENTS])
def test_an_edited_event_is_named(
    whole: tuple[list[Event], Head], place: int, values: dict[str, object]
) -> None:
    events, head = whole
    if events[place - 1].previous == values.get("previous"):
        values = {"previous": b"\1" * 32}  # the first event's is what it is
    edited = [*events[: place - 1], put(events[place - 1], **values), *events[place:]]
    found = walked(edited, head)
    assert found == Verification(events=place - 1, broken=Broken(seq=place, damage=Damage.EDITED))


@pytest.mark.parametrize("place", [1, 1000, EVENTS - 1])
def test_a_deleted_event_is_named(whole: tuple[list[Event], Head], place: int) -> None:
    events, head = whole
    left = [*events[: place - 1], *events[place:]]
    assert walked(left, head).broken == Broken(seq=place, damage=Damage.DELETED)
    renumbered = [put(each, seq=number) for number, each in enumerate(left, start=1)]
    assert walked(renumbered, head).broken == Broken(seq=place, damage=Damage.DELETED)


@pytest.mark.parametrize("other", [1001, 1500])
def test_two_swapped_events_are_named(whole: tuple[list[Event], Head], other: int) -> None:
    events, head = whole
    first, second = events[999], events[other - 1]
    swapped = list(events)
    swapped[999], swapped[other - 1] = put(second, seq=1000), put(first, seq=other)
    expected = Broken(seq=1000, damage=Damage.SWAPPED, other=other)
    assert walked(swapped, head).broken == expected
    contents = ("at", "target", "before", "after")
    swapped[999] = put(first, **{name: getattr(second, name) for name in contents})
    swapped[other - 1] = put(second, **{name: getattr(first, name) for name in contents})
    assert walked(swapped, head).broken == expected


@pytest.mark.parametrize("left", [0, 1, 1000, EVENTS - 1])
def test_a_tail_that_was_cut_off_is_named(whole: tuple[list[Event], Head], left: int) -> None:
    events, head = whole
    assert walked(events[:left], head).broken == Broken(seq=left + 1, damage=Damage.TRUNCATED)


def test_a_back_dated_event_is_named(whole: tuple[list[Event], Head]) -> None:
    events, head = whole
    dated = list(events)
    dated[999] = put(events[999], at=events[999].at - timedelta(days=1))
    assert walked(dated, head).broken == Broken(seq=1000, damage=Damage.BACK_DATED)


def test_a_clock_that_goes_back_makes_no_event_look_back_dated() -> None:
    noted = Noted("client.enable", "client c_1")
    first = chained(CHAIN, KEY, None, by=BY_OPERATOR, noted=noted, now=START)
    head = head_after(CHAIN, KEY, first)
    earlier = START - timedelta(seconds=5)
    second = chained(CHAIN, KEY, head, by=BY_OPERATOR, noted=noted, now=earlier)
    assert second.at == START
    assert walked([first, second], head_after(CHAIN, KEY, second)).broken is None


def test_a_head_that_was_moved_or_taken_away_is_told(whole: tuple[list[Event], Head]) -> None:
    events, head = whole
    moved = msgspec.structs.replace(head, seq=1000, digest=events[999].digest)
    assert walked(events[:1000], moved).broken == Broken(seq=1000, damage=Damage.HEAD)
    assert walked(events, None).broken == Broken(seq=EVENTS, damage=Damage.HEAD)


def test_an_event_added_without_the_key_is_told(whole: tuple[list[Event], Head]) -> None:
    events, head = whole
    forged = put(events[-1], seq=EVENTS + 1, previous=events[-1].digest)
    forged = put(forged, digest=digest_of(OTHER_KEY, CHAIN, forged))
    assert walked([*events, forged], head).broken == Broken(seq=EVENTS + 1, damage=Damage.EDITED)


def test_events_of_another_chain_do_not_fit(whole: tuple[list[Event], Head]) -> None:
    _, head = whole
    others, _ = made(Chain(TENANT, "bbbbbbbbbbbbb"), events=3)
    assert walked(others, head).broken == Broken(seq=1, damage=Damage.EDITED)


def test_events_under_a_key_that_is_gone_are_called_that_and_not_edited() -> None:
    events, head = made(key=OTHER_KEY, events=3)
    assert walked(events, head).broken == Broken(seq=1, damage=Damage.UNKNOWN_KEY)
    assert walked(events, head, (KEY, OTHER_KEY)).broken is None
