"""What has ended goes, piece by piece; what anyone still needs stays."""

from datetime import UTC, datetime, timedelta
from secrets import token_bytes, token_hex

import pytest
from sqlalchemy import insert, select, text, update

from control_plane.accounts.repository import add_account
from control_plane.jobs import clean_up
from control_plane.jobs.clean_up import remove_all_ended
from control_plane.mail.actions import queue_letter
from control_plane.mail.rules import Letter
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import PEOPLES
from control_plane.sessions.rules import SessionKind
from control_plane.support_views.repository import add_view
from control_plane.support_views.rules import NewView
from shared.domain.ids import tenant_id
from shared.runtime.database import Database
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.people import person, session
from shared.runtime.tables.support_acts import support_view

_NOW = datetime.now(UTC)
_LONG_AGO = _NOW - timedelta(days=8)
_LATELY = _NOW - timedelta(days=6)


async def sign_up(database: Database, came: datetime, *, confirmed: bool = False) -> str:
    """Make a person and an account, whose ids end alike; give that ending."""
    name = token_hex(6)
    async with database.control() as connection:
        await add_person(connection, f"p_{name}", f"{name}@example.com", None)
        verified_at = came if confirmed else None
        await connection.execute(
            update(person)
            .where(person.c.id == f"p_{name}")
            .values(created_at=came, verified_at=verified_at)
        )
        await add_account(connection, f"a_{name}", name)
        await add_member(connection, f"a_{name}", f"p_{name}", Role.OWNER)
    return name


async def left_of(database: Database, name: str) -> set[str]:
    async with database.control() as connection:
        people = await connection.scalars(select(person.c.id).where(person.c.id == f"p_{name}"))
        accounts = await connection.scalars(select(account.c.id).where(account.c.id == f"a_{name}"))
        return {each[:1] for each in (*people.all(), *accounts.all())}


async def test_who_never_confirmed_goes_with_an_account_that_is_empty(
    jobs_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_up, "_PIECE", 2)
    gone = [await sign_up(jobs_database, _LONG_AGO) for _ in range(5)]
    recent = await sign_up(jobs_database, _LATELY)
    confirmed = await sign_up(jobs_database, _LONG_AGO, confirmed=True)
    removed = await remove_all_ended(jobs_database, _NOW)
    assert removed["unconfirmed people"] == 5
    assert [await left_of(jobs_database, each) for each in gone] == [set()] * 5
    assert await left_of(jobs_database, recent) == {"p", "a"}
    assert await left_of(jobs_database, confirmed) == {"p", "a"}


async def test_an_account_stays_for_its_other_members_and_for_its_tenants(
    jobs_database: Database,
) -> None:
    shared = await sign_up(jobs_database, _LONG_AGO)
    other = await sign_up(jobs_database, _LONG_AGO, confirmed=True)
    with_tenant = await sign_up(jobs_database, _LONG_AGO)
    async with jobs_database.control() as connection:
        await add_member(connection, f"a_{shared}", f"p_{other}", Role.ADMIN)
        await connection.execute(
            insert(tenant).values(
                id=tenant_id(token_bytes(8)),
                slug=f"s-{with_tenant}",
                name="Thing",
                account_id=f"a_{with_tenant}",
                status="active",
                schema_revision="0001",
            )
        )
    await remove_all_ended(jobs_database, _NOW)
    assert await left_of(jobs_database, shared) == {"a"}
    assert await left_of(jobs_database, with_tenant) == {"a"}


async def test_sessions_go_once_they_are_over(jobs_database: Database) -> None:
    name = await sign_up(jobs_database, _NOW, confirmed=True)
    visitor = Visitor("192.0.2.1", "a browser")
    async with jobs_database.control() as connection:
        for began in (_NOW - timedelta(hours=13), _NOW - timedelta(hours=1)):
            await Sessions(PEOPLES).begin(
                connection, SessionKind.CONSOLE, f"p_{name}", None, visitor, began
            )
    assert (await remove_all_ended(jobs_database, _NOW))["sessions"] == 1
    async with jobs_database.control() as connection:
        left = await connection.scalars(
            select(session.c.created_at).where(session.c.person_id == f"p_{name}")
        )
        assert left.all() == [_NOW - timedelta(hours=1)]


async def test_views_of_support_go_90_days_after_their_end(jobs_database: Database) -> None:
    name = await sign_up(jobs_database, _NOW, confirmed=True)
    ends = _NOW - timedelta(days=91), _NOW - timedelta(days=89)
    async with jobs_database.control() as connection:
        for number, end in enumerate(ends):
            view = NewView(
                id=f"v_{name}_{number}",
                account_id=f"a_{name}",
                grant_id="g",
                staff_id="st",
                staff_email="st@staff.example",
                staff_session="s",
                reason="a test",
                ticket="",
                handover_digest=token_bytes(32),
                handover_until=end,
                created_at=end - timedelta(hours=1),
                ends_at=end,
            )
            await add_view(connection, view)
    assert (await remove_all_ended(jobs_database, _NOW))["views of support's"] == 1
    async with jobs_database.control() as connection:
        of_account = support_view.c.account_id == f"a_{name}"
        left = await connection.scalars(select(support_view.c.ends_at).where(of_account))
        assert left.all() == [ends[1]]


async def test_letters_that_were_given_up_go_after_a_week_and_waiting_ones_never(
    jobs_database: Database,
) -> None:
    async with jobs_database.control() as connection:
        for to in ("failed@example.com", "waiting@example.com"):
            await queue_letter(connection, Letter(to=to, subject="", words=()))
        await connection.execute(
            text("""
            UPDATE jobs.procrastinate_jobs SET status = 'failed'
            WHERE args->'letter'->>'to' LIKE 'failed%'
            """)
        )
    assert (await remove_all_ended(jobs_database, _NOW + timedelta(days=6)))["failed jobs"] == 0
    removed = await remove_all_ended(jobs_database, _NOW + timedelta(days=8))
    assert removed["failed jobs"] == 1
    async with jobs_database.control() as connection:
        left = await connection.scalars(
            text("DELETE FROM jobs.procrastinate_jobs RETURNING args->'letter'->>'to'")
        )
        assert left.all() == ["waiting@example.com"]
