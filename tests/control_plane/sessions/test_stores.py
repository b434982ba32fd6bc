"""Sessions mean the same in PostgreSQL and in Redis."""

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.sessions.actions import digest_of
from control_plane.sessions.rules import LIFETIMES, SessionKind
from tests.control_plane.sessions.kept import Kept


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def test_a_session_is_found_as_it_was_begun(kept: Kept, now: datetime) -> None:
    begun = await kept.begin(now)
    assert await kept.find(begun.token, now) == begun.session
    assert await kept.find("another", now) is None


async def test_what_rests_is_not_what_the_cookie_holds(kept: Kept, now: datetime) -> None:
    begun = await kept.begin(now)
    rests = await kept.rests()
    assert begun.session.public_id in rests
    assert begun.token not in rests


@pytest.mark.parametrize("kind", list(SessionKind))
async def test_each_kind_ends_when_idle(kept: Kept, now: datetime, kind: SessionKind) -> None:
    idle = LIFETIMES[kind].idle
    begun = await kept.begin(now, kind)
    assert await kept.find(begun.token, now + idle - timedelta(seconds=1))
    seen = now + idle - timedelta(seconds=1)
    if kind is not SessionKind.HALF:  # whose two limits are one
        assert await kept.find(begun.token, seen + idle - timedelta(seconds=1))
    assert await kept.find(begun.token, seen + 2 * idle) is None


@pytest.mark.parametrize("kind", list(SessionKind))
async def test_each_kind_ends_in_any_case(kept: Kept, now: datetime, kind: SessionKind) -> None:
    begun = await kept.begin(now - LIFETIMES[kind].absolute + timedelta(seconds=60), kind)
    at = now - LIFETIMES[kind].absolute + timedelta(seconds=60)
    while at < now:
        at = min(now, at + LIFETIMES[kind].idle * 0.9)
        assert await kept.find(begun.token, at)
    assert await kept.find(begun.token, now + timedelta(seconds=60)) is None
    assert await kept.listed(now + timedelta(seconds=60)) == []


async def test_a_use_is_noted_each_minute(kept: Kept, now: datetime) -> None:
    begun = await kept.begin(now)
    for seconds, noted in ((59, 0), (60, 60), (119, 60), (120, 120)):
        await kept.find(begun.token, now + timedelta(seconds=seconds))
        held = await kept.find(begun.token, now + timedelta(seconds=seconds))
        assert held
        assert held.seen_at == now + timedelta(seconds=noted)


async def test_the_next_takes_the_place_of_the_one_that_the_browser_had(
    kept: Kept, now: datetime
) -> None:
    first = await kept.begin(now)
    second = await kept.begin(now, former=first.token)
    assert await kept.find(first.token, now) is None
    assert await kept.listed(now) == [second.session.public_id]


async def test_a_rise_of_rights_makes_another_id(kept: Kept, now: datetime) -> None:
    half = await kept.begin(now, SessionKind.HALF)
    assert half.session.stepped_up_at is None
    whole = await kept.renew(half.token, now, SessionKind.REMEMBERED)
    assert whole
    assert whole.token != half.token
    assert whole.session.public_id != half.session.public_id
    assert await kept.find(half.token, now) is None
    held = await kept.find(whole.token, now)
    assert held
    assert (held.kind, held.stepped_up_at) == (SessionKind.REMEMBERED, now)
    assert await kept.renew(half.token, now) is None


async def test_one_that_moves_proves_no_more_and_lives_no_longer(kept: Kept, now: datetime) -> None:
    first = await kept.begin(now)
    later = now + timedelta(minutes=5)
    moved = await kept.move(first.token, later)
    assert moved
    assert await kept.find(first.token, later) is None
    held = await kept.find(moved.token, later)
    assert held == moved.session
    assert (held.account_id, held.stepped_up_at, held.ends_at) == (
        kept.accounts[1],
        now,
        first.session.ends_at,
    )
    half = await kept.begin(now, SessionKind.HALF)
    assert await kept.move(half.token, now) is None


async def test_the_list_has_the_last_used_first_and_none_that_is_over(
    kept: Kept, now: datetime
) -> None:
    old = await kept.begin(now - timedelta(hours=13))
    first = await kept.begin(now - timedelta(minutes=20))
    second = await kept.begin(now - timedelta(minutes=10))
    assert await kept.listed(now) == [second.session.public_id, first.session.public_id]
    await kept.find(first.token, now)
    assert await kept.listed(now) == [first.session.public_id, second.session.public_id]
    assert await kept.find(old.token, now) is None


async def test_each_way_to_end_ends_what_it_names(kept: Kept, now: datetime) -> None:
    here, there = await kept.begin(now), await kept.begin(now, account=1)
    others = [await kept.begin(now) for _ in range(3)]
    await kept.ends(kept.sessions.end, others[0].token)
    end_one, public_id = kept.sessions.end_one, others[2].session.public_id
    assert not await kept.ends(end_one, "p_another", others[1].session.public_id)
    assert await kept.ends(end_one, kept.person_id, public_id)
    assert not await kept.ends(end_one, kept.person_id, public_id), "it has ended already"
    assert set(await kept.listed(now)) == {
        each.session.public_id for each in (here, there, others[1])
    }
    await kept.ends(kept.sessions.end_others, kept.person_id, there.token)
    assert await kept.listed(now) == [there.session.public_id]
    back = await kept.begin(now)
    await kept.ends(kept.sessions.end_in, kept.person_id, kept.accounts[1])
    assert await kept.listed(now) == [back.session.public_id]
    await kept.ends(kept.sessions.end_all, kept.person_id)
    assert await kept.listed(now) == []
    for each in (here, there, *others, back):
        assert await kept.find(each.token, now) is None


async def test_a_use_that_is_noted_late_brings_nothing_back(kept: Kept, now: datetime) -> None:
    begun = await kept.begin(now)
    await kept.ends(kept.sessions.end_all, kept.person_id)
    async with kept.database.control() as connection:
        await kept.sessions.store.note_use(connection, digest_of(begun.token), now)
    assert await kept.find(begun.token, now) is None
    assert await kept.listed(now) == []
