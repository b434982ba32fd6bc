"""A chain whose oldest events are past their time, and anchors outside the database."""

from datetime import timedelta

import msgspec
import pytest

from control_plane.audit.rules import (
    BY_OPERATOR,
    Anchor,
    Broken,
    Damage,
    Event,
    Head,
    Noted,
    Verification,
    anchored,
    chained,
    floor_at,
    head_after,
)
from control_plane.audit.verification import Walk
from tests.control_plane.audit.test_verification import (
    CHAIN,
    EVENTS,
    KEY,
    OTHER_KEY,
    START,
    made,
    put,
)


@pytest.fixture(scope="module")
def whole() -> tuple[list[Event], Head]:
    return made()


FLOOR = 700


def kept(whole: tuple[list[Event], Head]) -> tuple[list[Event], Head, Head]:
    """Give the chain without its first events, its head and its floor."""
    events, head = whole
    return events[FLOOR:], head, floor_at(CHAIN, KEY, events[FLOOR - 1])


def walked_above(
    events: list[Event], head: Head | None, floor: Head | None, anchors: dict[int, bytes]
) -> Verification:
    walk = Walk(CHAIN, (KEY,), head, floor, anchors)
    for event in events:
        walk.take(event)
    return walk.finish()


def test_a_chain_whose_oldest_part_is_past_its_time_is_whole(
    whole: tuple[list[Event], Head],
) -> None:
    found = walked_above(*kept(whole), {})
    assert found == Verification(events=EVENTS - FLOOR, forgotten=FLOOR, broken=None)
    assert f"{FLOOR} before them are past their time" in found.words
    events, _ = whole
    at_end = floor_at(CHAIN, KEY, events[-1])
    assert walked_above([], whole[1], at_end, {}).broken is None


def test_above_the_floor_everything_is_found_as_before(whole: tuple[list[Event], Head]) -> None:
    events, head, floor = kept(whole)
    number = FLOOR + 1
    edited = [put(events[0], target="x"), *events[1:]]
    dated = [put(events[0], at=START - timedelta(days=1)), *events[1:]]
    swapped = [put(events[1], seq=number), put(events[0], seq=number + 1), *events[2:]]
    for tampered, damage in (
        (edited, Damage.EDITED),
        (events[1:], Damage.DELETED),
        (dated, Damage.BACK_DATED),
        (swapped, Damage.SWAPPED),
    ):
        broken = walked_above(tampered, head, floor, {}).broken
        assert broken is not None
        assert (broken.seq, broken.damage) == (number, damage)
    cut = walked_above(events[:5], head, floor, {}).broken
    assert cut == Broken(seq=FLOOR + 6, damage=Damage.TRUNCATED)


def test_more_is_not_cut_off_below_than_was_signed(whole: tuple[list[Event], Head]) -> None:
    events, head, floor = kept(whole)
    further = msgspec.structs.replace(floor, seq=FLOOR + 1, digest=events[0].digest)
    for forged in (further, msgspec.structs.replace(head, key_id=KEY.key_id)):
        broken = walked_above(events[1:], head, forged, {}).broken
        assert broken == Broken(seq=forged.seq, damage=Damage.FLOOR)
    # without its floor, or with an older one, the chain misses its beginning
    older = floor_at(CHAIN, KEY, whole[0][9])
    for put_back, missing in ((None, 1), (older, 11)):
        broken = walked_above(events, head, put_back, {}).broken
        assert broken == Broken(seq=missing, damage=Damage.DELETED)


def test_a_head_from_before_the_floor_is_told(whole: tuple[list[Event], Head]) -> None:
    events, _, floor = kept(whole)
    old = head_after(CHAIN, KEY, whole[0][9])
    assert walked_above([], old, floor, {}).broken == Broken(seq=10, damage=Damage.HEAD)
    assert walked_above([], None, floor, {}).broken == Broken(seq=FLOOR, damage=Damage.HEAD)
    assert events


def test_what_was_put_back_with_an_old_head_is_told_by_an_anchor(
    whole: tuple[list[Event], Head],
) -> None:
    """The database as it was an hour ago is whole in itself: only what is outside tells."""
    events, head = whole
    old = head_after(CHAIN, KEY, events[999])
    assert walked_above(events[:1000], old, None, {}).broken is None
    anchors = {EVENTS: head.digest}
    broken = walked_above(events[:1000], old, None, anchors).broken
    assert broken == Broken(seq=1001, damage=Damage.TRUNCATED)


def test_a_chain_that_was_written_anew_with_the_key_is_told_by_an_anchor(
    whole: tuple[list[Event], Head],
) -> None:
    events, head = whole
    anchors = {1000: events[999].digest, 5: events[4].digest}
    agreed = walked_above(events, head, None, anchors)
    assert (agreed.broken, agreed.anchors) == (None, 2)
    assert "Anchors that agree: 2." in agreed.words
    anew, its_head = forged_anew(events)
    broken = walked_above(anew, its_head, None, anchors).broken
    assert broken == Broken(seq=1000, damage=Damage.REWRITTEN)
    floor = floor_at(CHAIN, KEY, anew[1499])
    assert walked_above(anew[1500:], its_head, floor, anchors).anchors == 0


def forged_anew(events: list[Event]) -> tuple[list[Event], Head]:
    """Leave event 500 out and chain the others again, as whoever has the key can."""
    head: Head | None = None
    anew: list[Event] = []
    for event in [*events[:499], *events[500:]]:
        noted = Noted(event.action, event.target)
        again = chained(CHAIN, KEY, head, by=BY_OPERATOR, noted=noted, now=event.at)
        if event.seq < 500:
            again = event
        head = head_after(CHAIN, KEY, again)
        anew.append(again)
    assert head is not None
    return anew, head


def test_only_anchors_of_this_chain_that_we_signed_count(whole: tuple[list[Event], Head]) -> None:
    _, head = whole
    good = Anchor(
        chain=CHAIN.name,
        seq=head.seq,
        digest=head.digest.hex(),
        signature=head.signature.hex(),
        key_id=head.key_id,
    )
    assert anchored(CHAIN, (KEY,), [good]) == {EVENTS: head.digest}
    others = [
        msgspec.structs.replace(good, chain="tenant:other"),
        msgspec.structs.replace(good, seq=1),
        msgspec.structs.replace(good, digest="00" * 32),
        msgspec.structs.replace(good, digest="no hexadecimal"),
        msgspec.structs.replace(good, key_id=OTHER_KEY.key_id),
    ]
    assert anchored(CHAIN, (KEY,), others) == {}
