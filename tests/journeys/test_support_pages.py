"""Every page of the support app: axe finds nothing, no policy is broken, and a phone need not
scroll sideways. The pages are found as those of the console are.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
import jwt
import msgspec
import pytest
from playwright.async_api import BrowserContext, async_playwright
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.rules import Actor, ActorKind
from control_plane.billing.books import store_event
from control_plane.billing.comparisons import Reconciliation, set_reconciliation
from control_plane.billing.records import ReceivedEvent, set_error
from control_plane.billing.repository import add_customer
from control_plane.http.cookies import SUPPORT
from control_plane.jobs.repository import note_error, note_failed_run, note_run
from control_plane.mail.actions import queue_letter
from control_plane.mail.rules import Letter
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person
from control_plane.sessions.actions import Sessions, Visitor
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import SessionKind
from control_plane.staff.grants import open_grant
from control_plane.staff.repository import add_staff
from control_plane.staff.rules import Reason, StaffRole
from control_plane.support.app import create_support
from control_plane.support.suspensions.repository import add_deletion
from control_plane.support.suspensions.rules import DeletionRow
from shared.domain.plan import PlanName
from shared.runtime.config import read_config
from shared.runtime.database import Database, SupportDatabase
from shared.runtime.tables.control import account as accounts
from tests.control_plane.console import make_account
from tests.control_plane.everything import add_one_of_each
from tests.control_plane.routes import Search, routes_of
from tests.journeys.looking import CHROMIUM, DESK, axe_script, look_at_all
from tests.support import AUDIT_KEYS, Installation, Server, ask_token, issued_token, make_tenant

# a link of nobody's is refused, and so is the second step of who has not done the first
_STATUS = {"/support/enrol": 422, "/support/no-such-page": 404}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


class Made(msgspec.Struct, frozen=True):
    account: str
    paths: set[str]  # of what a search or a form leads to


@pytest.fixture
async def made(server: Server, database: Database) -> Made:
    """Make an account with something of everything: no page is empty."""
    config = read_config(server.installation.environment(server.url))
    account = await make_account(database, PlanName.GROWTH)
    tenant = await make_tenant(database, config, account=account)
    await add_one_of_each(database, config, account, tenant.tenant_id, tenant.audience, "Acme")
    async with database.control() as connection:
        await connection.execute(
            update(accounts).where(accounts.c.id == account).values(name="Acme & Söhne")
        )
        await add_person(connection, f"p_{account}", f"{account}@example.com", None)
        await add_member(connection, account, f"p_{account}", Role.OWNER)
        await _add_payments(connection, account)
        await _add_work(connection)
        asked = DeletionRow(
            id=f"d_{token_hex(8)}",
            account_id=account,
            tenant_id=tenant.tenant_id,
            slug=tenant.slug,
            reason="They are no more",
            ticket="T-8",
            asked_by="st_another",
            asked_email="another@staff.example",
            asked_at=datetime.now(UTC),
        )
        await add_deletion(connection, asked)
    async with httpx.AsyncClient(timeout=30) as http:
        token = await issued_token(http, tenant)
        assert (await ask_token(http, tenant, scope="unknown")).status_code == 400
    base = f"/support/accounts/{account}"
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    of_tenant = f"{base}/tenants/{tenant.slug}"
    return Made(
        account, {base, f"{base}/open", f"{of_tenant}/diagnosis", f"{of_tenant}/tokens/{jti}"}
    )


async def _add_payments(connection: AsyncConnection, account: str) -> None:
    """Add an event that failed, one of nobody's, and counts that differ."""
    now, customer = datetime.now(UTC), f"cus_{account}"
    await add_customer(connection, account, customer)
    for kind, whose in (("invoice.paid", customer), ("payout.paid", None)):
        body = {"id": "in_1", "object": "invoice", "customer": whose}
        event = ReceivedEvent(
            id=f"evt_{token_hex(12)}",
            type=kind,
            livemode=False,
            body=json.dumps({"data": {"object": body}}),
            fetched=whose is None,
        )
        await store_event(connection, event)
        await set_error(connection, event.id, "Stripe does not answer just now")
    for days, drift in ((60, 0.0), (30, 12.5)):
        row = Reconciliation(
            account_id=account,
            starts_at=now - timedelta(days=days),
            ends_at=now - timedelta(days=days - 30),
            ours=1_234_567,
            metered=1_080_246 if drift else 1_234_567,
            invoiced=None if drift else 1_234_567,
            drift=drift,
            at=now,
        )
        await set_reconciliation(connection, row)


async def _add_work(connection: AsyncConnection) -> None:
    """Add a letter that waits and one that was given up, and runs that were well and were not."""
    now = datetime.now(UTC)
    for domain in ("waiting.example", "failed.example"):
        letter = Letter(to=f"a@{domain}", subject="", words=(), kind="invitation")
        await queue_letter(connection, letter)
    failed = await connection.scalar(
        text("""
        UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 30
        WHERE args->'letter'->>'to' = 'a@failed.example' RETURNING id
        """)
    )
    await note_error(connection, int(failed or 0), "SMTPRecipientsRefused [550]")
    await note_run(connection, "rotation of signing keys", 60, now, "keys of 2 tenants changed")
    await note_run(connection, "thresholds", 60, now - timedelta(hours=2), "")
    await note_failed_run(connection, "lost events", 900, now, "Stripe does not answer just now")


@pytest.fixture
async def contexts(
    support_url: str, database: Database, made: Made, installation: Installation
) -> AsyncIterator[dict[bool, BrowserContext]]:
    """Give a visitor's (True: of what is open) and that of a lead who has opened the account."""
    now = datetime.now(UTC)
    by = Actor(kind=ActorKind.STAFF, id=f"st_{token_hex(8)}", email=f"{made.account}@staff.example")
    async with database.control() as connection:
        assert await add_staff(connection, by.id, by.email, "Lea", StaffRole.LEAD)
        begun = await Sessions(STAFFS).begin(
            connection, SessionKind.STAFF, by.id, None, Visitor("127.0.0.1", "test"), now
        )
    support = SupportDatabase(installation.support_url, AUDIT_KEYS)
    why = Reason(reason="Their tokens fail", ticket="T-7")
    assert await open_grant(support, by, made.account, why, now)
    await support.close()
    cookie = {"name": SUPPORT.session, "value": begun.token}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        both = {
            is_open: await browser.new_context(
                base_url=support_url, viewport=DESK, reduced_motion="reduce"
            )
            for is_open in (True, False)
        }
        secure = support_url.replace("http:", "https:")  # as browsers see localhost
        await both[False].add_cookies([{**cookie, "url": secure, "secure": True}])  # type: ignore[typeddict-item]
        yield both
        await browser.close()


@pytest.mark.timeout(600)  # seconds, of which a machine with nothing else to do needs some thirty
async def test_every_page_is_accessible_fits_a_phone_and_breaks_no_policy(
    contexts: dict[bool, BrowserContext], made: Made, installation: Installation
) -> None:
    nowhere = {"DATABASE_URL": installation.support_url, "SUPPORT_URL": "https://support.test"}
    app = create_support(read_config(installation.environment() | nowhere))
    search = Search(each for each in routes_of(app) if each.shows_page)
    search.follow(made.paths)
    wrong = await look_at_all(search, contexts, axe_script(), _STATUS)
    assert not wrong, "\n".join(wrong)
    assert not search.left, f"no page links to {sorted(search.left)}"
