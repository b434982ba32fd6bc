"""The background work as support sees it: nothing of what a job is about, and tried again with a
reason (C8).
"""

from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest
from sqlalchemy import select, text

from control_plane.jobs.repository import note_error, note_failed_run, note_run
from control_plane.mail.actions import queue_letter
from control_plane.mail.rules import Letter
from control_plane.staff.rules import StaffRole
from control_plane.support.work.rules import PeriodicRun, spoken
from shared.runtime.database import Database
from shared.runtime.tables.staff import staff_event
from tests.control_plane.console import text_of
from tests.control_plane.support_app import Support

_NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
_PATH = "/support/work"


async def queued(database: Database, domain: str) -> int:
    """Queue a letter, and have it be given up; give its job."""
    letter = Letter(
        to=f"c4n4ry@{domain}",
        subject="c4n4ry",
        words=(),
        link="https://x/?t=c4n4ry",
        kind="invitation",
    )
    async with database.control() as connection:
        await queue_letter(connection, letter)
        job = await connection.scalar(
            text("""
            UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 7
            WHERE args->'letter'->>'to' = :to RETURNING id
            """),
            {"to": letter.to},
        )
        await note_error(connection, int(job or 0), "SMTPRecipientsRefused [550]")
    return int(job or 0)


async def status_of(database: Database, job: int) -> str:
    query = "SELECT status FROM jobs.procrastinate_jobs WHERE id = :id"
    async with database.control() as connection:
        return str(await connection.scalar(text(query), {"id": job}))


async def test_a_failed_letter_is_seen_without_its_address_and_tried_again(
    support: Support, database: Database
) -> None:
    domain = f"{token_hex(5)}.example"
    job = await queued(database, domain)
    async with support.signed_in(StaffRole.AGENT) as browser:
        page = await browser.get(f"{_PATH}?state=failed&queue=mail")
        seen = text_of(page)
        assert f"invitation, to somebody at {domain}" in seen
        assert "SMTPRecipientsRefused [550]" in seen
        assert "c4n4ry" not in page.text
        answer = await browser.act(f"{_PATH}/jobs/{job}/retry", reason="Their server is back")
        assert answer.headers["location"] == _PATH
        assert await status_of(database, job) == "todo"
        again = await browser.act(f"{_PATH}/jobs/{job}/retry")
        assert again.status_code == 422
        assert (await browser.act(f"{_PATH}/jobs/none/retry")).status_code == 422
    async with database.control() as connection:
        noted = await connection.scalar(
            select(staff_event.c.after).where(staff_event.c.target == f"job {job}")
        )
    assert "Their server is back" in str(noted)


async def test_all_of_a_queue_are_tried_again_and_who_may_not_does_not(
    support: Support, database: Database
) -> None:
    jobs = [await queued(database, f"{token_hex(5)}.example") for _ in range(2)]
    async with support.signed_in(StaffRole.READER) as browser:
        assert "Try all of" not in text_of(await browser.get(_PATH))
        assert (await browser.act(f"{_PATH}/retry", queue="mail")).status_code == 403
        assert {await status_of(database, job) for job in jobs} == {"failed"}
    async with support.signed_in(StaffRole.AGENT) as browser:
        assert (await browser.act(f"{_PATH}/retry", queue="of nobody")).status_code == 422
        assert (await browser.act(f"{_PATH}/retry", queue="mail")).status_code == 303
    assert {await status_of(database, job) for job in jobs} == {"todo"}


async def test_the_login_reads_no_argument_of_a_job(support: Support) -> None:
    for query in ("SELECT args FROM jobs.procrastinate_jobs", "TABLE jobs.procrastinate_jobs"):
        with pytest.raises(Exception, match="permission denied"):
            async with support.own.control() as connection:
                await connection.execute(text(query))


async def test_what_is_done_every_so_often_says_when_it_was_and_why_it_was_not(
    support: Support, database: Database
) -> None:
    now = datetime.now(UTC)
    fine, failing, late = (f"work {token_hex(4)}" for _ in range(3))
    async with database.control() as connection:
        await note_run(connection, fine, 60, now, "3 keys")
        await note_run(connection, failing, 60, now, "2 keys")
        await note_failed_run(connection, failing, 60, now, "Stripe is away")
        await note_run(connection, late, 60, now - timedelta(hours=1), "")
    async with support.signed_in(StaffRole.READER) as browser:
        seen = text_of(await browser.get(_PATH)).casefold()
    assert "on time" in seen.partition(f"{fine} ")[2][:120]
    assert "stripe is away" in seen.partition(f"{failing} ")[2][:120]
    assert late in seen.partition("overdue:")[2].partition("queues")[0]
    async with database.control() as connection:
        await connection.execute(text("DELETE FROM control.periodic_run WHERE name LIKE 'work %'"))


@pytest.mark.parametrize(
    ("ago", "every", "overdue"),
    [(60, 60, False), (239, 60, False), (300, 60, True), (300, 3600, False)],
)
def test_a_run_is_overdue_once_two_were_missed(ago: int, every: int, *, overdue: bool) -> None:
    well = _NOW - timedelta(seconds=ago)
    run = PeriodicRun(name="x", every=every, ran_at=_NOW, well_at=well, outcome="", error=None)
    assert run.is_overdue(_NOW) is overdue


def test_how_often_is_said_in_words() -> None:
    said = [spoken(each) for each in (10, 60, 900, 3600, 86400)]
    assert said == [
        "every 10 seconds",
        "every minute",
        "every 15 minutes",
        "every hour",
        "every day",
    ]
