"""Letters go if, and only if, what causes them is committed; a failure loses and holds up none."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest
from procrastinate import App
from sqlalchemy import func, select, text

from control_plane.jobs.queue import Work, work_queue
from control_plane.jobs.repository import QueueState, queue_states, requeue_stalled, retry_jobs
from control_plane.mail.actions import QUEUE, queue_letter
from control_plane.mail.rules import Letter
from shared.runtime.database import Database
from shared.runtime.tables.jobs import job_error
from shared.runtime.tables.jobs import letter as kept_letter
from tests.conftest import free_port
from tests.control_plane.background import NO_MAIL, lost_when_cancelled
from tests.control_plane.jobs.conftest import working
from tests.mail_server import run_mail_server
from tests.support import Installation

_PATIENCE = 60.0  # seconds


def letter(to: str) -> Letter:
    return Letter(to=to, subject="Hello", words=("Hello.",), link="http://localhost/?t=c4n4ry")


async def queue(database: Database, *addresses: str) -> None:
    async with database.control() as connection:
        for each in addresses:
            await queue_letter(connection, letter(each))


async def state(database: Database) -> QueueState | None:
    async with database.control() as connection:
        found = await queue_states(connection)
    return next(iter(found), None)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + _PATIENCE
    while not await holds():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


async def is_empty(database: Database) -> bool:
    return await state(database) is None


async def queue_and_change_their_mind(database: Database, to: str) -> None:
    async with database.control() as connection:
        await queue_letter(connection, letter(to))
        raise InterruptedError


async def test_a_letter_goes_once_where_its_transaction_commits_and_never_where_not(
    jobs_installation: Installation, jobs_database: Database
) -> None:
    with pytest.raises(InterruptedError):
        await queue_and_change_their_mind(jobs_database, "never@example.com")
    await queue(jobs_database, "before@example.com")
    with run_mail_server() as server:
        async with working(jobs_installation, server.url):
            await until(lambda: is_empty(jobs_database))
            await queue(jobs_database, "after@example.com")  # is heard of at once
            await until(lambda: is_empty(jobs_database))
    assert [each["To"] for each in server.letters] == ["before@example.com", "after@example.com"]


async def test_two_workers_send_each_letter_once(
    jobs_installation: Installation, jobs_database: Database
) -> None:
    addresses = [f"p{number}@example.com" for number in range(20)]
    with run_mail_server() as server:
        async with (
            working(jobs_installation, server.url),
            working(jobs_installation, server.url),
        ):
            await queue(jobs_database, *addresses)
            await until(lambda: is_empty(jobs_database))
    assert sorted(each["To"] for each in server.letters) == sorted(addresses)


async def test_what_fails_for_now_is_sent_later_and_no_log_has_its_link(
    jobs_installation: Installation, jobs_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "control_plane")
    with run_mail_server() as server:
        server.answers.append("451 try again later")
        async with working(jobs_installation, server.url):
            await queue(jobs_database, "greylisted@example.com")
            await until(lambda: is_empty(jobs_database))
    assert [each["To"] for each in server.letters] == ["greylisted@example.com"]
    assert "a letter could not be sent" in caplog.text
    logged = caplog.text + "".join(str(vars(each)) for each in caplog.records)
    assert "451" in logged
    assert not [word for word in ("c4n4ry", "greylisted@") if word in logged]


async def test_what_is_refused_for_good_is_given_up_and_tried_again_when_asked(
    jobs_installation: Installation, jobs_database: Database
) -> None:
    async def is_given_up() -> bool:
        found = await state(jobs_database)
        return found is not None and found.failed == 1

    with run_mail_server() as server:
        server.answers.append("550 no such mailbox")
        async with working(jobs_installation, server.url):
            await queue(jobs_database, "nobody@example.com", "somebody@example.com")
            await until(is_given_up)
            found = await state(jobs_database)
            assert found is not None
            assert (found.queue, found.queued, found.oldest) == (QUEUE, 0, None)
            async with jobs_database.control() as connection:
                assert await retry_jobs(connection, "another") == 0
                assert await retry_jobs(connection, QUEUE) == 1
            async with jobs_database.control() as connection:
                errors = list(await connection.scalars(select(job_error.c.error)))
                newest = select(kept_letter).order_by(kept_letter.c.job_id.desc()).limit(2)
                kept = (await connection.execute(newest)).mappings().all()
            assert any("550" in each for each in errors)
            assert not [each for each in errors if "nobody@" in each]
            assert {(each["kind"], each["domain"]) for each in kept} == {("other", "example.com")}
            await until(lambda: is_empty(jobs_database))
    assert {each["To"] for each in server.letters} == {"nobody@example.com", "somebody@example.com"}
    async with jobs_database.control() as connection:
        sent = kept_letter.c.sent_at.is_not(None) & kept_letter.c.job_id.in_(
            [each["job_id"] for each in kept]
        )
        assert await connection.scalar(select(func.count()).where(sent)) == 2


async def test_while_the_mail_server_is_away_letters_wait_and_then_go(
    jobs_installation: Installation, jobs_database: Database
) -> None:
    async def has_failed() -> bool:
        found = await state(jobs_database)
        return found is not None and found.retrying == 1

    async with working(jobs_installation, f"smtp://127.0.0.1:{free_port()}"):
        await queue(jobs_database, "patient@example.com")
        await until(has_failed)
    found = await state(jobs_database)
    assert found is not None
    assert (found.queued, found.failed) == (1, 0)
    async with jobs_database.control() as connection:
        assert await retry_jobs(connection, None) == 1
    with run_mail_server() as server:
        async with working(jobs_installation, server.url):
            await until(lambda: is_empty(jobs_database))
    assert [each["To"] for each in server.letters] == ["patient@example.com"]


async def test_a_letter_that_a_stop_interrupts_is_not_lost(
    jobs_installation: Installation, jobs_database: Database
) -> None:
    async def is_running() -> bool:
        found = await state(jobs_database)
        return found is not None and found.running == 1

    connected: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    async with working(jobs_installation, f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"):
        await queue(jobs_database, "interrupted@example.com")
        await until(is_running)
    for each in connected:
        each.close()
    silent.close()
    with run_mail_server() as server:
        async with working(jobs_installation, server.url):
            async with jobs_database.control() as connection:
                await retry_jobs(connection, None)
            await until(lambda: is_empty(jobs_database))
    assert [each["To"] for each in server.letters] == ["interrupted@example.com"]


async def test_the_jobs_of_a_worker_that_was_killed_begin_anew_and_of_no_other(
    jobs_database: Database,
) -> None:
    await queue(jobs_database, "of-the-dead@example.com", "of-the-living@example.com")
    async with jobs_database.control() as connection:
        await connection.execute(
            text("""
            WITH worker AS (
              INSERT INTO jobs.procrastinate_workers (last_heartbeat)
              VALUES (now() - interval '1 hour'), (now()) RETURNING id, last_heartbeat
            ), numbered AS (
              SELECT id, row_number() OVER (ORDER BY last_heartbeat) AS number FROM worker
            ), job AS (
              SELECT id, row_number() OVER (ORDER BY id) AS number FROM jobs.procrastinate_jobs
            )
            UPDATE jobs.procrastinate_jobs AS held SET status = 'doing', worker_id = numbered.id
            FROM numbered JOIN job USING (number) WHERE held.id = job.id
            """)
        )
        assert await requeue_stalled(connection) == 1
        assert await requeue_stalled(connection) == 0
        left = await connection.scalars(
            text("SELECT args->'letter'->>'to' FROM jobs.procrastinate_jobs WHERE status = 'todo'")
        )
        assert left.all() == ["of-the-dead@example.com"]
        await connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))


async def test_a_queue_that_is_ended_ends_though_a_driver_made_an_error_of_it(
    jobs_installation: Installation, jobs_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    monkeypatch.setattr(App, "open_async", lambda _: lost_when_cancelled(begun))
    work = Work(jobs_database, NO_MAIL)
    task = asyncio.create_task(work_queue(jobs_installation.control_url, work, QUEUE))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task], timeout=20)
    assert task.cancelled()
