"""An account and its tenants as support sees them, once they are opened; and notes."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex

import msgspec
import pytest
from sqlalchemy import insert, text

from control_plane.audit.actions import list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain
from control_plane.clients.actions import disable_client
from control_plane.members.repository import add_member
from control_plane.members.rules import Role
from control_plane.people.repository import add_person, change_person
from control_plane.staff.rules import StaffRole
from control_plane.tenants.deletion import delete_tenant
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.tables.billing import billing_customer, subscription
from shared.runtime.tables.tenant import client
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import Support
from tests.control_plane.usage.happenings import count, refusal, refuse
from tests.ledgers import opened_ledger
from tests.support import Installation, MadeTenant, make_tenant

pytestmark = pytest.mark.usefixtures("quick_keys")

_LAST = 2**62


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    account_id: str
    made: MadeTenant
    email: str

    @property
    def account(self) -> str:
        return f"/support/accounts/{self.account_id}"

    @property
    def base(self) -> str:
        return f"{self.account}/tenants/{self.made.slug}"


@pytest.fixture
async def shop(database: Database, settings: Config) -> Shop:
    account_id = await make_account(database, PlanName.GROWTH)
    email, person_id = f"{token_hex(6)}@shop.example", f"p_{token_hex(8)}"
    async with database.control() as connection:
        await add_person(connection, person_id, email, None)
        await change_person(connection, person_id, totp_sealed=b"sealed")
        await add_member(connection, account_id, person_id, Role.READ_ONLY)
        await connection.execute(
            insert(billing_customer).values(account_id=account_id, customer_id="cus_" + account_id)
        )
        await connection.execute(
            insert(subscription).values(
                id=f"sub_{token_hex(6)}",
                account_id=account_id,
                status="past_due",
                plan="starter",
                interval="monthly",
                created_at=datetime.now(UTC),
                past_due_since=datetime.now(UTC) - timedelta(days=2),
                cancel_at_period_end=False,
            )
        )
    made = await make_tenant(database, settings, account=account_id)
    return Shop(account_id=account_id, made=made, email=email)


async def test_an_account_is_shown_with_all_that_belongs_to_it(
    support: Support, shop: Shop
) -> None:
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        page = await browser.get(shop.account)
    said = text_of(page)
    assert page.status_code == 200
    for part in (shop.email, "not verified", "Read-only", "On", "never", "past due", "1,000,000"):
        assert part in said, part
    assert f'href="{shop.base}"' in page.text
    assert f"https://dashboard.stripe.com/customers/cus_{shop.account_id}" in page.text
    assert "Write a note" not in said  # a reader writes none


async def test_a_tenant_is_shown_with_its_health_and_its_clients(
    support: Support, shop: Shop, installation: Installation
) -> None:
    tenant, client_id = shop.made.tenant_id, shop.made.client.client_id
    await refuse(installation, refusal(tenant, datetime.now(UTC), client_id=client_id))
    async with opened_ledger(installation.data_url) as real:
        counted = [(client_id, "", "issued", 20), (client_id, "", "refused:invalid_scope", 20)]
        await count(real, tenant, counted)
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        page = await browser.get(shop.base)
        searched = await browser.get(f"{shop.base}?q=nobody-is-called-so")
    said = text_of(page)
    assert page.status_code == 200
    for part in (
        "All is well",
        "50 %",
        "Ask only for scopes that the client is granted",
        "0123456789abcdef",
        "next rotation",
        tenant,
    ):
        assert part in said, part
    assert f'href="{shop.base}/clients/{client_id}"' in page.text
    assert "No client here has “nobody-is-called-so”" in text_of(searched)


async def test_why_a_client_gets_no_token_is_found_by_its_id_scope_and_audience(
    support: Support, shop: Shop, database: Database
) -> None:
    client_id = shop.made.client.client_id
    ask = f"{shop.base}/diagnosis?client="
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        well = text_of(await browser.get(f"{ask}{client_id}&scope=read"))
        scope = text_of(await browser.get(f"{ask}{client_id}&scope=read+admin"))
        audience = text_of(await browser.get(f"{ask}{client_id}&audience=https://no.example"))
        unknown = text_of(await browser.get(f"{ask}c_nobody<b>"))
        await disable_client(database, shop.made.tenant_id, client_id)
        disabled = text_of(await browser.get(f"{shop.base}/clients/{client_id}"))
    assert "All is well" in well
    assert "The client is not granted: admin." in scope
    assert "The tenant has no API https://no.example." in audience
    assert "The tenant has no client c_nobody&lt;b&gt;" in unknown
    assert "The client “first” is disabled." in disabled
    assert "client.disable by operator" in disabled


async def test_a_client_of_the_other_tenant_is_said_to_be_there(
    support: Support, shop: Shop, database: Database, settings: Config
) -> None:
    other = await make_tenant(database, settings, account=shop.account_id)
    asked = f"{shop.base}/diagnosis?client={other.client.client_id}"
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        page = text_of(await browser.get(asked))
    assert f"It is a client of {other.slug}, of the same account." in page


async def test_nothing_of_another_account_is_under_the_one_that_is_opened(
    support: Support, shop: Shop, database: Database, settings: Config
) -> None:
    other = await make_tenant(database, settings, account=await make_account(database))
    client_id = other.client.client_id
    async with support.signed_in(StaffRole.LEAD, shop.account_id) as browser:
        for path in (
            f"{shop.account}/tenants/{other.slug}",
            f"{shop.account}/tenants/{other.slug}/clients/{client_id}",
            f"{shop.account}/tenants/{other.slug}/diagnosis?client={client_id}",
        ):
            assert (await browser.get(path)).status_code == 404, path
        noted = await browser.act(f"{shop.account}/tenants/{other.slug}/notes", note="x")
        unknown = text_of(await browser.get(f"{shop.base}/clients/{client_id}"))
    assert noted.status_code == 404
    assert f"The tenant has no client {client_id}" in unknown
    assert other.slug not in unknown


async def test_a_note_is_ours_and_is_in_our_audit_alone(
    support: Support, shop: Shop, database: Database
) -> None:
    words = f"called\nback {token_hex(4)}"
    async with support.signed_in(StaffRole.AGENT, shop.account_id) as browser:
        sent = await browser.act(f"{shop.base}/notes", note=words)
        page, account = await browser.get(shop.base), await browser.get(shop.account)
    assert (sent.status_code, sent.headers["location"]) == (303, shop.base)
    for each in (page, account):
        assert words in each.text
        assert browser.by.email in each.text
    async with database.control() as connection:
        recorded = await connection.scalars(
            text(
                "SELECT after FROM control.staff_event"
                " WHERE action = 'note.write' AND actor_id = :id"
            ),
            {"id": browser.by.id},
        )
        assert '"reason":"a test"' in recorded.one()
    theirs = await list_events(
        database, Chain(ACCOUNT, shop.account_id), Sought(), before=_LAST, limit=50
    )
    assert [each.action for each in theirs if each.action.startswith("note")] == []


async def test_a_note_needs_words_and_a_reason(support: Support, shop: Shop) -> None:
    async with support.signed_in(StaffRole.AGENT, shop.account_id) as browser:
        empty = await browser.act(f"{shop.account}/notes", note=" ")
        unreasoned = await browser.post(f"{shop.base}/notes", note="x")
        page = text_of(await browser.get(shop.account))
    assert (empty.status_code, unreasoned.status_code) == (422, 403)
    assert "an empty note tells nobody anything" in text_of(empty)
    assert "Nobody has noted anything" in page


async def test_a_deleted_tenant_is_still_found_and_says_so(
    support: Support, shop: Shop, database: Database
) -> None:
    await delete_tenant(database, shop.made.slug)
    client_id = shop.made.client.client_id
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        pages = [await browser.get(shop.base), await browser.get(f"{shop.base}/clients/c_1")]
        gone = await browser.client.get("/support/search", params={"q": client_id})
    for page in pages:
        assert page.status_code == 200
        assert "The tenant is deleted." in text_of(page)
    assert "Nothing is found" in text_of(gone)


async def test_clients_are_listed_page_by_page(
    support: Support, shop: Shop, database: Database
) -> None:
    async with database.tenant(shop.made.tenant_id) as connection:
        rows = [{"client_id": f"c_{n}", "name": f"worker {n:02}"} for n in range(21)]
        await connection.execute(insert(client), rows)
    async with support.signed_in(StaffRole.READER, shop.account_id) as browser:
        second = text_of(await browser.get(f"{shop.base}?q=worker&page=2"))
        third = text_of(await browser.get(f"{shop.base}?page=9"))
    assert "worker 20" in second
    assert "worker 19" not in second
    assert "21 to 21 of 21 clients" in second
    assert "There is no such page" in third
