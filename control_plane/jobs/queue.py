"""The queues of background work, in PostgreSQL: procrastinate's, in schema `jobs`.

Each has a worker of its own, so that what hangs in one holds up none of the others.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import msgspec
import psycopg
from aiosmtplib import SMTPException
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job

from control_plane.billing.books import FETCH_MISSING, RECONCILE, TAKE_EVENT, Books
from control_plane.billing.books import QUEUE as BILLING
from control_plane.jobs.billing import lost_events, reconciliation
from control_plane.jobs.limits import look_at_limits
from control_plane.jobs.periodic import end_if_cancelled, run
from control_plane.jobs.repository import note_error
from control_plane.mail.actions import QUEUE as MAIL
from control_plane.mail.actions import SEND_LETTER, set_letter_sent
from control_plane.mail.rules import Letter
from control_plane.mail.smtp import Smtp, is_final, said_of
from control_plane.tenants.deletion import delete_as_approved
from shared.domain.refused import Refused
from shared.runtime.database import DATABASE_TROUBLE, Database, cause_of
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_AT_ONCE = 4  # jobs of a queue
SUPPORT = "support"  # the queue of what support asks for
PUBLISH_LIMITS, DELETE_TENANT = "publish_limits", "delete_tenant"  # its tasks

_MOST_TRIES = 30  # about a day
_LONGEST_WAIT = 3600  # seconds, so that letters go within an hour once the mail server is back
_FAREWELL = 3.0  # seconds for what is being done; it is begun again elsewhere
_RETRY = 5.0  # seconds
_LOOK = 5.0  # seconds between looks for what has become due; what is new is heard of at once


class _BackOff(BaseRetryStrategy):
    """Wait 3, 9, 27 s and so on, up to an hour; what the mail server refuses for good ends."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= _MOST_TRIES or is_final(exception):
            return None
        wait = min(3 ** (job.attempts + 1), _LONGEST_WAIT)
        return RetryDecision(retry_in={"seconds": wait})


class Work(msgspec.Struct, frozen=True):
    """What the jobs are done with."""

    database: Database
    smtp: Smtp
    books: Books | None = None  # None: nothing is sold
    console_url: str = ""  # for letters


def make_queue(database_url: str, work: Work) -> App:
    """Make the queues with their tasks; `open_async` connects them."""
    # It logs each job with its arguments, and a letter's link may be a secret.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    connector = PsycopgConnector(
        conninfo=database_url, min_size=1, max_size=3, kwargs={"options": "-c search_path=jobs"}
    )
    queue = App(connector=connector)

    @queue.task(name=SEND_LETTER, queue=MAIL, retry=_BackOff(), pass_context=True)
    async def send_letter(context: JobContext, letter: dict[str, object]) -> None:
        async with _telling(work, context, "a letter could not be sent"):
            await work.smtp.send(msgspec.convert(letter, Letter))
        with suppress(*DATABASE_TROUBLE):  # it is not to be sent again for that
            async with work.database.control() as connection:
                await set_letter_sent(connection, context.job.id or 0)

    _add_support(queue, work)
    if work.books is not None:
        _add_billing(queue, work, work.books)
    return queue


def _add_support(queue: App, work: Work) -> None:
    """Add what the support app, which may not itself, asks for."""

    @queue.task(name=PUBLISH_LIMITS, queue=SUPPORT, retry=_BackOff(), pass_context=True)
    async def publish_limits(context: JobContext, account_id: str) -> None:
        async with _telling(work, context, f"limits of {account_id} could not be published"):
            await look_at_limits(work.database, datetime.now(UTC))

    @queue.task(name=DELETE_TENANT, queue=SUPPORT, retry=_BackOff(), pass_context=True)
    async def delete_tenant(context: JobContext, request_id: str) -> None:
        async with _telling(work, context, "a deletion could not be begun"):
            now = datetime.now(UTC)
            await delete_as_approved(work.database, request_id, now, work.console_url)


def _add_billing(queue: App, work: Work, books: Books) -> None:
    @queue.task(name=TAKE_EVENT, queue=BILLING, retry=_BackOff(), pass_context=True)
    async def take_stripe_event(context: JobContext, event_id: str) -> None:
        async with _telling(work, context, "an event of Stripe's could not be taken"):
            await books.take_event(event_id, datetime.now(UTC))

    @queue.task(name=FETCH_MISSING, queue=BILLING, retry=_BackOff(), pass_context=True)
    async def fetch_missing_stripe_events(context: JobContext) -> None:
        async with _telling(work, context, "lost events could not be looked for"):
            await run(work.database, lost_events(books))

    @queue.task(name=RECONCILE, queue=BILLING, retry=_BackOff(), pass_context=True)
    async def reconcile_billing(context: JobContext, account_id: str | None = None) -> None:
        async with _telling(work, context, "books could not be compared with Stripe's"):
            if account_id is None:
                await run(work.database, reconciliation(books))
            else:
                await books.reconcile_account(account_id, datetime.now(UTC))


@asynccontextmanager
async def _telling(work: Work, context: JobContext, what: str) -> AsyncIterator[None]:
    """Log why it failed and keep that for support, without what the arguments hold."""
    try:
        yield
    except (Refused, SMTPException, *DATABASE_TROUBLE) as error:
        is_mail = context.job.queue == MAIL
        cause = said_of(error) if is_mail else cause_of(error)
        told = fields(job=context.job.id, tries=context.job.attempts + 1, cause=cause)
        _log.warning(what, extra=told)
        with suppress(*DATABASE_TROUBLE):
            async with work.database.control() as connection:
                await note_error(connection, context.job.id or 0, cause)
        raise


async def work_queue(database_url: str, work: Work, name: str) -> None:
    """Do the jobs of one queue until cancelled; a job that fails is tried again later."""
    while True:
        cause = await _work(make_queue(database_url, work), name)
        end_if_cancelled()
        _log.warning("a queue stands still", extra=fields(queue=name, cause=cause))
        await asyncio.sleep(_RETRY)


async def _work(queue: App, name: str) -> str:
    """Work until the database is lost; say why."""
    try:
        await queue.open_async()
        await queue.run_worker_async(
            queues=[name],
            name=name,
            concurrency=_AT_ONCE,
            fetch_job_polling_interval=_LOOK,
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=_FAREWELL,
        )
    except (ProcrastinateException, psycopg.Error, OSError) as error:
        return str(error.__cause__ or error)
    finally:
        await queue.close_async()
    return "the connection to the database was lost"
